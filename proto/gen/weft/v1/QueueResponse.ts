// Original file: proto/weft/v1/cluster.proto

import type { QueueClass as _weft_v1_QueueClass, QueueClass__Output as _weft_v1_QueueClass__Output } from '../../weft/v1/QueueClass.ts';

export interface QueueResponse {
  'classes'?: (_weft_v1_QueueClass)[];
}

export interface QueueResponse__Output {
  'classes': (_weft_v1_QueueClass__Output)[];
}
