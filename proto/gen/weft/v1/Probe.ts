// Original file: proto/weft/v1/pipeline.proto

import type { Long } from '@grpc/proto-loader';

export interface Probe {
  'http'?: (string);
  'tcp'?: (boolean);
  'command'?: (string)[];
  'port'?: (number);
  'periodMs'?: (number | string | Long);
  'timeoutMs'?: (number | string | Long);
  'failures'?: (number);
}

export interface Probe__Output {
  'http': (string);
  'tcp': (boolean);
  'command': (string)[];
  'port': (number);
  'periodMs': (number);
  'timeoutMs': (number);
  'failures': (number);
}
