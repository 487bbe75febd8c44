// Original file: proto/weft/v1/cluster.proto


export interface QueueRequest {
  'running'?: (boolean);
}

export interface QueueRequest__Output {
  'running': (boolean);
}
