// Original file: proto/weft/v1/cluster.proto


export interface QueueGate {
  'kind'?: (string);
  'key'?: (string);
  'waiting'?: (number);
  'head'?: (string);
  'reason'?: (string);
}

export interface QueueGate__Output {
  'kind': (string);
  'key': (string);
  'waiting': (number);
  'head': (string);
  'reason': (string);
}
