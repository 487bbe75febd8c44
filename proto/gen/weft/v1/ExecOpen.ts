// Original file: proto/weft/v1/session.proto

import type { WindowSize as _weft_v1_WindowSize, WindowSize__Output as _weft_v1_WindowSize__Output } from '../../weft/v1/WindowSize.ts';

export interface ExecOpen {
  'jobId'?: (string);
  'task'?: (string);
  'index'?: (number);
  'command'?: (string)[];
  'terminal'?: (_weft_v1_WindowSize | null);
  'term'?: (string);
}

export interface ExecOpen__Output {
  'jobId': (string);
  'task': (string);
  'index': (number);
  'command': (string)[];
  'terminal': (_weft_v1_WindowSize__Output | null);
  'term': (string);
}
