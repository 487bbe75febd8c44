// Original file: proto/weft/v1/session.proto

import type { SessionOpened as _weft_v1_SessionOpened, SessionOpened__Output as _weft_v1_SessionOpened__Output } from '../../weft/v1/SessionOpened.ts';

export interface ForwardResponse {
  'opened'?: (_weft_v1_SessionOpened | null);
  'data'?: (Buffer | Uint8Array | string);
  'end'?: (boolean);
  'message'?: "opened"|"data"|"end";
}

export interface ForwardResponse__Output {
  'opened'?: (_weft_v1_SessionOpened__Output | null);
  'data'?: (Buffer);
  'end'?: (boolean);
  'message'?: "opened"|"data"|"end";
}
