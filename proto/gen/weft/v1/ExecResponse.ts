// Original file: proto/weft/v1/session.proto

import type { SessionOpened as _weft_v1_SessionOpened, SessionOpened__Output as _weft_v1_SessionOpened__Output } from '../../weft/v1/SessionOpened.ts';
import type { ExecExit as _weft_v1_ExecExit, ExecExit__Output as _weft_v1_ExecExit__Output } from '../../weft/v1/ExecExit.ts';

export interface ExecResponse {
  'opened'?: (_weft_v1_SessionOpened | null);
  'stdout'?: (Buffer | Uint8Array | string);
  'stderr'?: (Buffer | Uint8Array | string);
  'exit'?: (_weft_v1_ExecExit | null);
  'message'?: "opened"|"stdout"|"stderr"|"exit";
}

export interface ExecResponse__Output {
  'opened'?: (_weft_v1_SessionOpened__Output | null);
  'stdout'?: (Buffer);
  'stderr'?: (Buffer);
  'exit'?: (_weft_v1_ExecExit__Output | null);
  'message'?: "opened"|"stdout"|"stderr"|"exit";
}
