// Original file: proto/weft/v1/pipeline.proto


export interface Environment {
  'node'?: (string);
  'python'?: (string);
  'pythonVersion'?: (string);
  'image'?: (string);
}

export interface Environment__Output {
  'node': (string);
  'python': (string);
  'pythonVersion': (string);
  'image': (string);
}
