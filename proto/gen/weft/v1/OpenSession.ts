// Original file: proto/weft/v1/agent.proto


export interface OpenSession {
  'session'?: (string);
  'key'?: (string);
}

export interface OpenSession__Output {
  'session': (string);
  'key': (string);
}
