// Original file: proto/weft/v1/pipeline.proto

import type { WebhookTarget as _weft_v1_WebhookTarget, WebhookTarget__Output as _weft_v1_WebhookTarget__Output } from '../../weft/v1/WebhookTarget.ts';
import type { EmailTarget as _weft_v1_EmailTarget, EmailTarget__Output as _weft_v1_EmailTarget__Output } from '../../weft/v1/EmailTarget.ts';

export interface NotifySpec {
  'on'?: (string)[];
  'webhook'?: (_weft_v1_WebhookTarget | null);
  'email'?: (_weft_v1_EmailTarget | null);
  'text'?: (string);
  'target'?: "webhook"|"email";
}

export interface NotifySpec__Output {
  'on': (string)[];
  'webhook'?: (_weft_v1_WebhookTarget__Output | null);
  'email'?: (_weft_v1_EmailTarget__Output | null);
  'text': (string);
  'target'?: "webhook"|"email";
}
