// Original file: proto/weft/v1/pipeline.proto

import type { Long } from '@grpc/proto-loader';

export interface Retries {
  'limit'?: (number);
  'backoffMs'?: (number | string | Long);
  'maxBackoffMs'?: (number | string | Long);
  'exitCodes'?: (number)[];
  'reasons'?: (string)[];
  'crashes'?: (number);
  '_crashes'?: "crashes";
}

export interface Retries__Output {
  'limit': (number);
  'backoffMs': (number);
  'maxBackoffMs': (number);
  'exitCodes': (number)[];
  'reasons': (string)[];
  'crashes'?: (number);
  '_crashes'?: "crashes";
}
