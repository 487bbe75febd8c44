// Original file: proto/weft/v1/session.proto


export interface SessionOpened {
  'node'?: (string);
  'attempt'?: (string);
}

export interface SessionOpened__Output {
  'node': (string);
  'attempt': (string);
}
