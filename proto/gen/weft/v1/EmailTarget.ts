// Original file: proto/weft/v1/pipeline.proto


export interface EmailTarget {
  'to'?: (string)[];
  'subject'?: (string);
}

export interface EmailTarget__Output {
  'to': (string)[];
  'subject': (string);
}
