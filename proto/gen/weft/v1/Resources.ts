// Original file: proto/weft/v1/pipeline.proto

import type { Long } from '@grpc/proto-loader';

export interface Resources {
  'cpus'?: (number | string);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
  'gpus'?: (number);
}

export interface Resources__Output {
  'cpus': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
  'gpus': (number);
}
