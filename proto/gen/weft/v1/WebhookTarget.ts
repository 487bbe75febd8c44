// Original file: proto/weft/v1/pipeline.proto


export interface WebhookTarget {
  'url'?: (string);
  'channel'?: (string);
  'format'?: (string);
}

export interface WebhookTarget__Output {
  'url': (string);
  'channel': (string);
  'format': (string);
}
