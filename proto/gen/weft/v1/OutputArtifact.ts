// Original file: proto/weft/v1/job.proto


export interface OutputArtifact {
  'name'?: (string);
  'digest'?: (string);
  'bytes'?: (number | string);
  'kind'?: (string);
  'fileName'?: (string);
}

export interface OutputArtifact__Output {
  'name': (string);
  'digest': (string);
  'bytes': (number);
  'kind': (string);
  'fileName': (string);
}
