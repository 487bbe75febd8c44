// Original file: proto/weft/v1/trigger.proto


export interface FireTriggerResponse {
  'jobId'?: (string);
  'state'?: (string);
  'reason'?: (string);
  'existing'?: (boolean);
}

export interface FireTriggerResponse__Output {
  'jobId': (string);
  'state': (string);
  'reason': (string);
  'existing': (boolean);
}
