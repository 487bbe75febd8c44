// Original file: proto/weft/v1/trigger.proto

import type { AppliedTrigger as _weft_v1_AppliedTrigger, AppliedTrigger__Output as _weft_v1_AppliedTrigger__Output } from '../../weft/v1/AppliedTrigger.ts';

export interface ApplyTriggersResponse {
  'pipeline'?: (string);
  'version'?: (number);
  'triggers'?: (_weft_v1_AppliedTrigger)[];
}

export interface ApplyTriggersResponse__Output {
  'pipeline': (string);
  'version': (number);
  'triggers': (_weft_v1_AppliedTrigger__Output)[];
}
