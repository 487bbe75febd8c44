// Original file: proto/weft/v1/job.proto


export interface ServiceStatus {
  'ready'?: (boolean);
  'changedAtMs'?: (number | string);
  'restarts'?: (number);
  'message'?: (string);
  'port'?: (number);
}

export interface ServiceStatus__Output {
  'ready': (boolean);
  'changedAtMs': (number);
  'restarts': (number);
  'message': (string);
  'port': (number);
}
