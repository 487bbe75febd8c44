// Original file: proto/weft/v1/cluster.proto

import type { ExplainReason as _weft_v1_ExplainReason, ExplainReason__Output as _weft_v1_ExplainReason__Output } from '../../weft/v1/ExplainReason.ts';
import type { ExplainPast as _weft_v1_ExplainPast, ExplainPast__Output as _weft_v1_ExplainPast__Output } from '../../weft/v1/ExplainPast.ts';

export interface ExplainResponse {
  'state'?: (string);
  'sinceMs'?: (number | string);
  'reasons'?: (_weft_v1_ExplainReason)[];
  'history'?: (_weft_v1_ExplainPast)[];
  'historySinceMs'?: (number | string);
}

export interface ExplainResponse__Output {
  'state': (string);
  'sinceMs': (number);
  'reasons': (_weft_v1_ExplainReason__Output)[];
  'history': (_weft_v1_ExplainPast__Output)[];
  'historySinceMs': (number);
}
