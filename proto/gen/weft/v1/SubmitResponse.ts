// Original file: proto/weft/v1/job.proto


export interface SubmitResponse {
  'jobId'?: (string);
  'existing'?: (boolean);
  'taskInstances'?: (number);
}

export interface SubmitResponse__Output {
  'jobId': (string);
  'existing': (boolean);
  'taskInstances': (number);
}
