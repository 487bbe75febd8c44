// Original file: proto/weft/v1/cluster.proto


export interface NodeRequest {
  'node'?: (string);
  'reason'?: (string);
}

export interface NodeRequest__Output {
  'node': (string);
  'reason': (string);
}
