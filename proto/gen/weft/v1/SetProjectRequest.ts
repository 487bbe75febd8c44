// Original file: proto/weft/v1/cluster.proto

import type { Quota as _weft_v1_Quota, Quota__Output as _weft_v1_Quota__Output } from '../../weft/v1/Quota.ts';

export interface SetProjectRequest {
  'name'?: (string);
  'weight'?: (number | string);
  'quota'?: (_weft_v1_Quota | null);
  '_weight'?: "weight";
}

export interface SetProjectRequest__Output {
  'name': (string);
  'weight'?: (number);
  'quota': (_weft_v1_Quota__Output | null);
  '_weight'?: "weight";
}
