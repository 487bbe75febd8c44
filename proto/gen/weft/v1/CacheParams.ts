// Original file: proto/weft/v1/pipeline.proto


export interface CacheParams {
  'names'?: (string)[];
}

export interface CacheParams__Output {
  'names': (string)[];
}
