// Original file: proto/weft/v1/trigger.proto


export interface RotateSecretResponse {
  'secret'?: (string);
}

export interface RotateSecretResponse__Output {
  'secret': (string);
}
