// Original file: proto/weft/v1/job.proto


export interface ApproveRequest {
  'jobId'?: (string);
  'task'?: (string);
  'by'?: (string);
  'reject'?: (boolean);
  'comment'?: (string);
}

export interface ApproveRequest__Output {
  'jobId': (string);
  'task': (string);
  'by': (string);
  'reject': (boolean);
  'comment': (string);
}
