// Original file: proto/weft/v1/trigger.proto


export interface Firing {
  'event'?: (string);
  'atMs'?: (number | string);
  'state'?: (string);
  'jobId'?: (string);
  'reason'?: (string);
  'kind'?: (string);
}

export interface Firing__Output {
  'event': (string);
  'atMs': (number);
  'state': (string);
  'jobId': (string);
  'reason': (string);
  'kind': (string);
}
