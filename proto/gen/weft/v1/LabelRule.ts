// Original file: proto/weft/v1/pipeline.proto


export interface LabelRule {
  'key'?: (string);
  'values'?: (string)[];
  'refused'?: (boolean);
}

export interface LabelRule__Output {
  'key': (string);
  'values': (string)[];
  'refused': (boolean);
}
