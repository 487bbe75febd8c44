// Original file: proto/weft/v1/cluster.proto


export interface MaintenanceWindow {
  'fromMs'?: (number | string);
  'toMs'?: (number | string);
  'reason'?: (string);
}

export interface MaintenanceWindow__Output {
  'fromMs': (number);
  'toMs': (number);
  'reason': (string);
}
