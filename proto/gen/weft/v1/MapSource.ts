// Original file: proto/weft/v1/pipeline.proto


export interface MapSource {
  'from'?: (string);
  'as'?: (string)[];
}

export interface MapSource__Output {
  'from': (string);
  'as': (string)[];
}
