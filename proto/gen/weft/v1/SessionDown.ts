// Original file: proto/weft/v1/session.proto

import type { ExecRequest as _weft_v1_ExecRequest, ExecRequest__Output as _weft_v1_ExecRequest__Output } from '../../weft/v1/ExecRequest.ts';
import type { ForwardRequest as _weft_v1_ForwardRequest, ForwardRequest__Output as _weft_v1_ForwardRequest__Output } from '../../weft/v1/ForwardRequest.ts';

export interface SessionDown {
  'exec'?: (_weft_v1_ExecRequest | null);
  'forward'?: (_weft_v1_ForwardRequest | null);
  'message'?: "exec"|"forward";
}

export interface SessionDown__Output {
  'exec'?: (_weft_v1_ExecRequest__Output | null);
  'forward'?: (_weft_v1_ForwardRequest__Output | null);
  'message'?: "exec"|"forward";
}
