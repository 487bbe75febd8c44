// Original file: proto/weft/v1/trigger.proto

import type { SubmitRequest as _weft_v1_SubmitRequest, SubmitRequest__Output as _weft_v1_SubmitRequest__Output } from '../../weft/v1/SubmitRequest.ts';

export interface ApplyTriggersRequest {
  'submit'?: (_weft_v1_SubmitRequest | null);
  'secrets'?: ({[key: string]: string});
}

export interface ApplyTriggersRequest__Output {
  'submit': (_weft_v1_SubmitRequest__Output | null);
  'secrets': ({[key: string]: string});
}
