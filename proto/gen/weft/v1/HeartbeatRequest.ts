// Original file: proto/weft/v1/agent.proto

import type { Capacity as _weft_v1_Capacity, Capacity__Output as _weft_v1_Capacity__Output } from '../../weft/v1/Capacity.ts';
import type { Usage as _weft_v1_Usage, Usage__Output as _weft_v1_Usage__Output } from '../../weft/v1/Usage.ts';
import type { ActiveAttempt as _weft_v1_ActiveAttempt, ActiveAttempt__Output as _weft_v1_ActiveAttempt__Output } from '../../weft/v1/ActiveAttempt.ts';
import type { Long } from '@grpc/proto-loader';

export interface HeartbeatRequest {
  'nodeId'?: (string);
  'sequence'?: (number | string | Long);
  'capacity'?: (_weft_v1_Capacity | null);
  'usage'?: (_weft_v1_Usage | null);
  'active'?: (_weft_v1_ActiveAttempt)[];
  'leaving'?: (boolean);
  'incarnation'?: (string);
}

export interface HeartbeatRequest__Output {
  'nodeId': (string);
  'sequence': (number);
  'capacity': (_weft_v1_Capacity__Output | null);
  'usage': (_weft_v1_Usage__Output | null);
  'active': (_weft_v1_ActiveAttempt__Output)[];
  'leaving': (boolean);
  'incarnation': (string);
}
