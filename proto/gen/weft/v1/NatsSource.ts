// Original file: proto/weft/v1/pipeline.proto


export interface NatsSource {
  'subject'?: (string);
}

export interface NatsSource__Output {
  'subject': (string);
}
