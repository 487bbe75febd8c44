// Original file: proto/weft/v1/pipeline.proto

import type { GpuRequest as _weft_v1_GpuRequest, GpuRequest__Output as _weft_v1_GpuRequest__Output } from '../../weft/v1/GpuRequest.ts';
import type { Long } from '@grpc/proto-loader';

export interface Resources {
  'cpus'?: (number | string);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
  'gpus'?: (number | string);
  'gpu'?: (_weft_v1_GpuRequest | null);
}

export interface Resources__Output {
  'cpus': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
  'gpus': (number);
  'gpu': (_weft_v1_GpuRequest__Output | null);
}
