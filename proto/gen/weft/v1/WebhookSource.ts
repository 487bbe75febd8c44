// Original file: proto/weft/v1/pipeline.proto


export interface WebhookSource {
  'signature'?: (string);
}

export interface WebhookSource__Output {
  'signature': (string);
}
