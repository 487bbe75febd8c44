// Original file: proto/weft/v1/cluster.proto

import type { QueueClass as _weft_v1_QueueClass, QueueClass__Output as _weft_v1_QueueClass__Output } from '../../weft/v1/QueueClass.ts';
import type { QueueGate as _weft_v1_QueueGate, QueueGate__Output as _weft_v1_QueueGate__Output } from '../../weft/v1/QueueGate.ts';

export interface QueueResponse {
  'classes'?: (_weft_v1_QueueClass)[];
  'gates'?: (_weft_v1_QueueGate)[];
}

export interface QueueResponse__Output {
  'classes': (_weft_v1_QueueClass__Output)[];
  'gates': (_weft_v1_QueueGate__Output)[];
}
