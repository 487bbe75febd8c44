// Original file: proto/weft/v1/session.proto


export interface SessionFailed {
  'code'?: (string);
  'message'?: (string);
}

export interface SessionFailed__Output {
  'code': (string);
  'message': (string);
}
