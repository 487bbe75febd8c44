// Original file: proto/weft/v1/cluster.proto

import type { Long } from '@grpc/proto-loader';

export interface DrainRequest {
  'node'?: (string);
  'reason'?: (string);
  'deadlineMs'?: (number | string | Long);
}

export interface DrainRequest__Output {
  'node': (string);
  'reason': (string);
  'deadlineMs': (number);
}
