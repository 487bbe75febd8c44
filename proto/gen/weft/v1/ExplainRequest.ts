// Original file: proto/weft/v1/cluster.proto


export interface ExplainRequest {
  'jobId'?: (string);
  'task'?: (string);
  'index'?: (number);
}

export interface ExplainRequest__Output {
  'jobId': (string);
  'task': (string);
  'index': (number);
}
