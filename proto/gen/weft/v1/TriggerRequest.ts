// Original file: proto/weft/v1/trigger.proto


export interface TriggerRequest {
  'name'?: (string);
}

export interface TriggerRequest__Output {
  'name': (string);
}
