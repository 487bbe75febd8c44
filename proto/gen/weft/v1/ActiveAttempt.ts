// Original file: proto/weft/v1/agent.proto


export interface ActiveAttempt {
  'key'?: (string);
  'phase'?: (string);
}

export interface ActiveAttempt__Output {
  'key': (string);
  'phase': (string);
}
