// Original file: proto/weft/v1/pipeline.proto

import type { LabelRule as _weft_v1_LabelRule, LabelRule__Output as _weft_v1_LabelRule__Output } from '../../weft/v1/LabelRule.ts';

export interface Placement {
  'labels'?: (_weft_v1_LabelRule)[];
  'tolerations'?: (string)[];
  'pool'?: (string);
}

export interface Placement__Output {
  'labels': (_weft_v1_LabelRule__Output)[];
  'tolerations': (string)[];
  'pool': (string);
}
