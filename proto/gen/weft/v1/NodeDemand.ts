// Original file: proto/weft/v1/cluster.proto

import type { Capacity as _weft_v1_Capacity, Capacity__Output as _weft_v1_Capacity__Output } from '../../weft/v1/Capacity.ts';

export interface NodeDemand {
  'pool'?: (string);
  'capacity'?: (_weft_v1_Capacity | null);
  'ready'?: (number);
  'idle'?: (number);
  'desired'?: (number);
  'unplaceable'?: (number);
}

export interface NodeDemand__Output {
  'pool': (string);
  'capacity': (_weft_v1_Capacity__Output | null);
  'ready': (number);
  'idle': (number);
  'desired': (number);
  'unplaceable': (number);
}
