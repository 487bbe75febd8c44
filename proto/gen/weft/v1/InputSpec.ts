// Original file: proto/weft/v1/pipeline.proto


export interface InputSpec {
  'task'?: (string);
  'output'?: (string);
}

export interface InputSpec__Output {
  'task': (string);
  'output': (string);
}
