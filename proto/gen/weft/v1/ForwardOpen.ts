// Original file: proto/weft/v1/session.proto


export interface ForwardOpen {
  'jobId'?: (string);
  'task'?: (string);
  'index'?: (number);
  'port'?: (number);
}

export interface ForwardOpen__Output {
  'jobId': (string);
  'task': (string);
  'index': (number);
  'port': (number);
}
