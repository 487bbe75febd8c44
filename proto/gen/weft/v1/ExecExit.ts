// Original file: proto/weft/v1/session.proto


export interface ExecExit {
  'exitCode'?: (number);
  'signal'?: (string);
  '_exitCode'?: "exitCode";
}

export interface ExecExit__Output {
  'exitCode'?: (number);
  'signal': (string);
  '_exitCode'?: "exitCode";
}
