// Original file: proto/weft/v1/pipeline.proto


export interface JobSource {
  'pipeline'?: (string);
  'states'?: (string)[];
}

export interface JobSource__Output {
  'pipeline': (string);
  'states': (string)[];
}
