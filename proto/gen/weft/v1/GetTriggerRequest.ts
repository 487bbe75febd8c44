// Original file: proto/weft/v1/trigger.proto


export interface GetTriggerRequest {
  'name'?: (string);
  'firings'?: (number);
}

export interface GetTriggerRequest__Output {
  'name': (string);
  'firings': (number);
}
