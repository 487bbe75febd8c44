// Original file: proto/weft/v1/cluster.proto


export interface ExplainPast {
  'fromMs'?: (number | string);
  'toMs'?: (number | string);
  'state'?: (string);
  'kind'?: (string);
  'message'?: (string);
  'nodesFailing'?: ({[key: string]: number});
}

export interface ExplainPast__Output {
  'fromMs': (number);
  'toMs': (number);
  'state': (string);
  'kind': (string);
  'message': (string);
  'nodesFailing': ({[key: string]: number});
}
