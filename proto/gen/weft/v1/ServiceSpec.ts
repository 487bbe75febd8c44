// Original file: proto/weft/v1/pipeline.proto

import type { Probe as _weft_v1_Probe, Probe__Output as _weft_v1_Probe__Output } from '../../weft/v1/Probe.ts';
import type { Long } from '@grpc/proto-loader';

export interface ServiceSpec {
  'port'?: (number);
  'readiness'?: (_weft_v1_Probe | null);
  'liveness'?: (_weft_v1_Probe | null);
  'restart'?: (string);
  'backoffMs'?: (number | string | Long);
  'maxBackoffMs'?: (number | string | Long);
}

export interface ServiceSpec__Output {
  'port': (number);
  'readiness': (_weft_v1_Probe__Output | null);
  'liveness': (_weft_v1_Probe__Output | null);
  'restart': (string);
  'backoffMs': (number);
  'maxBackoffMs': (number);
}
