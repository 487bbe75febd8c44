// Original file: proto/weft/v1/session.proto

import type { SessionHello as _weft_v1_SessionHello, SessionHello__Output as _weft_v1_SessionHello__Output } from '../../weft/v1/SessionHello.ts';
import type { ExecResponse as _weft_v1_ExecResponse, ExecResponse__Output as _weft_v1_ExecResponse__Output } from '../../weft/v1/ExecResponse.ts';
import type { ForwardResponse as _weft_v1_ForwardResponse, ForwardResponse__Output as _weft_v1_ForwardResponse__Output } from '../../weft/v1/ForwardResponse.ts';
import type { SessionFailed as _weft_v1_SessionFailed, SessionFailed__Output as _weft_v1_SessionFailed__Output } from '../../weft/v1/SessionFailed.ts';

export interface SessionUp {
  'hello'?: (_weft_v1_SessionHello | null);
  'exec'?: (_weft_v1_ExecResponse | null);
  'forward'?: (_weft_v1_ForwardResponse | null);
  'failed'?: (_weft_v1_SessionFailed | null);
  'message'?: "hello"|"exec"|"forward"|"failed";
}

export interface SessionUp__Output {
  'hello'?: (_weft_v1_SessionHello__Output | null);
  'exec'?: (_weft_v1_ExecResponse__Output | null);
  'forward'?: (_weft_v1_ForwardResponse__Output | null);
  'failed'?: (_weft_v1_SessionFailed__Output | null);
  'message'?: "hello"|"exec"|"forward"|"failed";
}
