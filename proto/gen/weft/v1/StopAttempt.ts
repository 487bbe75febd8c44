// Original file: proto/weft/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface StopAttempt {
  'key'?: (string);
  'graceMs'?: (number | string | Long);
  'reason'?: (string);
}

export interface StopAttempt__Output {
  'key': (string);
  'graceMs': (number);
  'reason': (string);
}
