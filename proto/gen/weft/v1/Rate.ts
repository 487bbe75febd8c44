// Original file: proto/weft/v1/pipeline.proto

import type { Long } from '@grpc/proto-loader';

export interface Rate {
  'limit'?: (number);
  'perMs'?: (number | string | Long);
  'key'?: (string);
}

export interface Rate__Output {
  'limit': (number);
  'perMs': (number);
  'key': (string);
}
