// Original file: proto/weft/v1/cluster.proto

import type { Quota as _weft_v1_Quota, Quota__Output as _weft_v1_Quota__Output } from '../../weft/v1/Quota.ts';
import type { Resources as _weft_v1_Resources, Resources__Output as _weft_v1_Resources__Output } from '../../weft/v1/Resources.ts';

export interface Project {
  'name'?: (string);
  'weight'?: (number | string);
  'quota'?: (_weft_v1_Quota | null);
  'usage'?: (_weft_v1_Resources | null);
  'waiting'?: (number | string);
}

export interface Project__Output {
  'name': (string);
  'weight': (number);
  'quota': (_weft_v1_Quota__Output | null);
  'usage': (_weft_v1_Resources__Output | null);
  'waiting': (number);
}
