// Original file: proto/weft/v1/pipeline.proto

import type { Long } from '@grpc/proto-loader';

export interface Approve {
  'by'?: (string)[];
  'timeoutMs'?: (number | string | Long);
  'message'?: (string);
}

export interface Approve__Output {
  'by': (string)[];
  'timeoutMs': (number);
  'message': (string);
}
