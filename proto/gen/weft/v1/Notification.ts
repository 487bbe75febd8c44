// Original file: proto/weft/v1/notification.proto


export interface Notification {
  'id'?: (string);
  'jobId'?: (string);
  'pipeline'?: (string);
  'event'?: (string);
  'kind'?: (string);
  'target'?: (string);
  'state'?: (string);
  'attempts'?: (number);
  'createdAtMs'?: (number | string);
  'nextAtMs'?: (number | string);
  'sentAtMs'?: (number | string);
  'error'?: (string);
}

export interface Notification__Output {
  'id': (string);
  'jobId': (string);
  'pipeline': (string);
  'event': (string);
  'kind': (string);
  'target': (string);
  'state': (string);
  'attempts': (number);
  'createdAtMs': (number);
  'nextAtMs': (number);
  'sentAtMs': (number);
  'error': (string);
}
