// Original file: proto/weft/v1/job.proto


export interface RerunRequest {
  'jobId'?: (string);
  'failedOnly'?: (boolean);
  'idempotencyKey'?: (string);
  'node'?: (string);
  'elsewhere'?: (boolean);
}

export interface RerunRequest__Output {
  'jobId': (string);
  'failedOnly': (boolean);
  'idempotencyKey': (string);
  'node': (string);
  'elsewhere': (boolean);
}
