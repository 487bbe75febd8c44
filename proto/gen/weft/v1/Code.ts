// Original file: proto/weft/v1/job.proto


export interface Code {
  'digest'?: (string);
  'commit'?: (string);
  'dirty'?: (boolean);
  'branch'?: (string);
  'remote'?: (string);
  'diff'?: (string);
  'diffBytes'?: (number | string);
}

export interface Code__Output {
  'digest': (string);
  'commit': (string);
  'dirty': (boolean);
  'branch': (string);
  'remote': (string);
  'diff': (string);
  'diffBytes': (number);
}
