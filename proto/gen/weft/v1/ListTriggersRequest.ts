// Original file: proto/weft/v1/trigger.proto


export interface ListTriggersRequest {
  'pipeline'?: (string);
}

export interface ListTriggersRequest__Output {
  'pipeline': (string);
}
