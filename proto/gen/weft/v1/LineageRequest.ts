// Original file: proto/weft/v1/job.proto


export interface LineageRequest {
  'jobId'?: (string);
}

export interface LineageRequest__Output {
  'jobId': (string);
}
