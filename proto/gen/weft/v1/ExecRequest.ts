// Original file: proto/weft/v1/session.proto

import type { ExecOpen as _weft_v1_ExecOpen, ExecOpen__Output as _weft_v1_ExecOpen__Output } from '../../weft/v1/ExecOpen.ts';
import type { WindowSize as _weft_v1_WindowSize, WindowSize__Output as _weft_v1_WindowSize__Output } from '../../weft/v1/WindowSize.ts';

export interface ExecRequest {
  'open'?: (_weft_v1_ExecOpen | null);
  'stdin'?: (Buffer | Uint8Array | string);
  'stdinEnd'?: (boolean);
  'resize'?: (_weft_v1_WindowSize | null);
  'message'?: "open"|"stdin"|"stdinEnd"|"resize";
}

export interface ExecRequest__Output {
  'open'?: (_weft_v1_ExecOpen__Output | null);
  'stdin'?: (Buffer);
  'stdinEnd'?: (boolean);
  'resize'?: (_weft_v1_WindowSize__Output | null);
  'message'?: "open"|"stdin"|"stdinEnd"|"resize";
}
