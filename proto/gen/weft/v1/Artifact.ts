// Original file: proto/weft/v1/job.proto


export interface Artifact {
  'digest'?: (string);
  'kind'?: (string);
  'bytes'?: (number | string);
  'producer'?: (string);
}

export interface Artifact__Output {
  'digest': (string);
  'kind': (string);
  'bytes': (number);
  'producer': (string);
}
