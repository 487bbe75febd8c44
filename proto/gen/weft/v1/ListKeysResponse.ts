// Original file: proto/weft/v1/registry.proto

import type { SigningKey as _weft_v1_SigningKey, SigningKey__Output as _weft_v1_SigningKey__Output } from '../../weft/v1/SigningKey.ts';

export interface ListKeysResponse {
  'keys'?: (_weft_v1_SigningKey)[];
}

export interface ListKeysResponse__Output {
  'keys': (_weft_v1_SigningKey__Output)[];
}
