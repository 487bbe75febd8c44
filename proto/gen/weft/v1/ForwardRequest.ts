// Original file: proto/weft/v1/session.proto

import type { ForwardOpen as _weft_v1_ForwardOpen, ForwardOpen__Output as _weft_v1_ForwardOpen__Output } from '../../weft/v1/ForwardOpen.ts';

export interface ForwardRequest {
  'open'?: (_weft_v1_ForwardOpen | null);
  'data'?: (Buffer | Uint8Array | string);
  'end'?: (boolean);
  'message'?: "open"|"data"|"end";
}

export interface ForwardRequest__Output {
  'open'?: (_weft_v1_ForwardOpen__Output | null);
  'data'?: (Buffer);
  'end'?: (boolean);
  'message'?: "open"|"data"|"end";
}
