// Original file: proto/weft/v1/registry.proto


export interface ModelAlias {
  'alias'?: (string);
  'version'?: (number);
  'setAtMs'?: (number | string);
  'setBy'?: (string);
}

export interface ModelAlias__Output {
  'alias': (string);
  'version': (number);
  'setAtMs': (number);
  'setBy': (string);
}
