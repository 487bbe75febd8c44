// Original file: proto/weft/v1/job.proto


export interface CancelJobResponse {
  'state'?: (string);
}

export interface CancelJobResponse__Output {
  'state': (string);
}
