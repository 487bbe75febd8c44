// Original file: proto/weft/v1/agent.proto

import type { Capacity as _weft_v1_Capacity, Capacity__Output as _weft_v1_Capacity__Output } from '../../weft/v1/Capacity.ts';

export interface JoinRequest {
  'nodeId'?: (string);
  'name'?: (string);
  'capacity'?: (_weft_v1_Capacity | null);
  'labels'?: ({[key: string]: string});
  'agentVersion'?: (string);
  'token'?: (string);
  'address'?: (string);
  'incarnation'?: (string);
}

export interface JoinRequest__Output {
  'nodeId': (string);
  'name': (string);
  'capacity': (_weft_v1_Capacity__Output | null);
  'labels': ({[key: string]: string});
  'agentVersion': (string);
  'token': (string);
  'address': (string);
  'incarnation': (string);
}
