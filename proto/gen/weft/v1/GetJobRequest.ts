// Original file: proto/weft/v1/job.proto


export interface GetJobRequest {
  'jobId'?: (string);
  'pageToken'?: (string);
}

export interface GetJobRequest__Output {
  'jobId': (string);
  'pageToken': (string);
}
