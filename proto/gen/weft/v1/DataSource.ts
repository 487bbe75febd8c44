// Original file: proto/weft/v1/pipeline.proto


export interface DataSource {
  'pipeline'?: (string);
  'task'?: (string);
  'output'?: (string);
  'from'?: (string);
}

export interface DataSource__Output {
  'pipeline': (string);
  'task': (string);
  'output': (string);
  'from': (string);
}
