// Original file: proto/weft/v1/registry.proto


export interface SigningKey {
  'name'?: (string);
  'publicKey'?: (string);
  'addedAtMs'?: (number | string);
  'addedBy'?: (string);
  'revokedAtMs'?: (number | string);
}

export interface SigningKey__Output {
  'name': (string);
  'publicKey': (string);
  'addedAtMs': (number);
  'addedBy': (string);
  'revokedAtMs': (number);
}
