// Original file: proto/weft/v1/session.proto


export interface WindowSize {
  'columns'?: (number);
  'rows'?: (number);
}

export interface WindowSize__Output {
  'columns': (number);
  'rows': (number);
}
