// Original file: proto/weft/v1/registry.proto


export interface ModelGate {
  'name'?: (string);
  'models'?: (string)[];
  'aliases'?: (string)[];
  'stages'?: (string)[];
  'data'?: (string);
  'require'?: (string);
  'segments'?: (boolean);
  'message'?: (string);
}

export interface ModelGate__Output {
  'name': (string);
  'models': (string)[];
  'aliases': (string)[];
  'stages': (string)[];
  'data': (string);
  'require': (string);
  'segments': (boolean);
  'message': (string);
}
