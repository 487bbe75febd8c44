// Original file: proto/weft/v1/trigger.proto

import type { Trigger as _weft_v1_Trigger, Trigger__Output as _weft_v1_Trigger__Output } from '../../weft/v1/Trigger.ts';

export interface ListTriggersResponse {
  'triggers'?: (_weft_v1_Trigger)[];
}

export interface ListTriggersResponse__Output {
  'triggers': (_weft_v1_Trigger__Output)[];
}
