// Original file: proto/weft/v1/registry.proto


export interface GateVerdict {
  'gate'?: (string);
  'require'?: (string);
  'passed'?: (boolean);
  'reason'?: (string);
  'candidate'?: (string);
  'current'?: (string);
  'dataset'?: (string);
  'datasetDigest'?: (string);
}

export interface GateVerdict__Output {
  'gate': (string);
  'require': (string);
  'passed': (boolean);
  'reason': (string);
  'candidate': (string);
  'current': (string);
  'dataset': (string);
  'datasetDigest': (string);
}
