// Original file: proto/weft/v1/cluster.proto


export interface InfoResponse {
  'version'?: (string);
  'httpPort'?: (number);
  'leader'?: (boolean);
  'term'?: (number | string);
  'leaderAddress'?: (string);
  'staleReports'?: (number | string);
}

export interface InfoResponse__Output {
  'version': (string);
  'httpPort': (number);
  'leader': (boolean);
  'term': (number);
  'leaderAddress': (string);
  'staleReports': (number);
}
