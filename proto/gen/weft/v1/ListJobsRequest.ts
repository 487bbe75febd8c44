// Original file: proto/weft/v1/job.proto


export interface ListJobsRequest {
  'limit'?: (number);
  'states'?: (string)[];
  'pipeline'?: (string);
  'pageToken'?: (string);
}

export interface ListJobsRequest__Output {
  'limit': (number);
  'states': (string)[];
  'pipeline': (string);
  'pageToken': (string);
}
