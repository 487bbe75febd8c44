// Original file: proto/weft/v1/cluster.proto


export interface ExplainReason {
  'kind'?: (string);
  'message'?: (string);
  'nodesFailing'?: ({[key: string]: number});
}

export interface ExplainReason__Output {
  'kind': (string);
  'message': (string);
  'nodesFailing': ({[key: string]: number});
}
