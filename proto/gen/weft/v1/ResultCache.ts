// Original file: proto/weft/v1/pipeline.proto

import type { CacheParams as _weft_v1_CacheParams, CacheParams__Output as _weft_v1_CacheParams__Output } from '../../weft/v1/CacheParams.ts';
import type { Long } from '@grpc/proto-loader';

export interface ResultCache {
  'ttlMs'?: (number | string | Long);
  'params'?: (_weft_v1_CacheParams | null);
}

export interface ResultCache__Output {
  'ttlMs': (number);
  'params': (_weft_v1_CacheParams__Output | null);
}
