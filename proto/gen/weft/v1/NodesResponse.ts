// Original file: proto/weft/v1/cluster.proto

import type { Node as _weft_v1_Node, Node__Output as _weft_v1_Node__Output } from '../../weft/v1/Node.ts';

export interface NodesResponse {
  'nodes'?: (_weft_v1_Node)[];
}

export interface NodesResponse__Output {
  'nodes': (_weft_v1_Node__Output)[];
}
