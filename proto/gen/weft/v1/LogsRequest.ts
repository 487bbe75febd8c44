// Original file: proto/weft/v1/job.proto


export interface LogsRequest {
  'jobId'?: (string);
  'task'?: (string);
  'index'?: (number);
  'attempt'?: (number);
  'follow'?: (boolean);
  '_index'?: "index";
}

export interface LogsRequest__Output {
  'jobId': (string);
  'task': (string);
  'index'?: (number);
  'attempt': (number);
  'follow': (boolean);
  '_index'?: "index";
}
