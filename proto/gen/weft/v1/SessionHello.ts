// Original file: proto/weft/v1/session.proto


export interface SessionHello {
  'session'?: (string);
  'nodeId'?: (string);
}

export interface SessionHello__Output {
  'session': (string);
  'nodeId': (string);
}
