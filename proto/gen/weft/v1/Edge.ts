// Original file: proto/weft/v1/job.proto


export interface Edge {
  'execution'?: (string);
  'digest'?: (string);
  'direction'?: (string);
  'name'?: (string);
}

export interface Edge__Output {
  'execution': (string);
  'digest': (string);
  'direction': (string);
  'name': (string);
}
