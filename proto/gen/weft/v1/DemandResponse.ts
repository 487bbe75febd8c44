// Original file: proto/weft/v1/cluster.proto

import type { NodeDemand as _weft_v1_NodeDemand, NodeDemand__Output as _weft_v1_NodeDemand__Output } from '../../weft/v1/NodeDemand.ts';

export interface DemandResponse {
  'classes'?: (_weft_v1_NodeDemand)[];
}

export interface DemandResponse__Output {
  'classes': (_weft_v1_NodeDemand__Output)[];
}
