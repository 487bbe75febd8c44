// Original file: proto/weft/v1/cluster.proto

import type { Taints as _weft_v1_Taints, Taints__Output as _weft_v1_Taints__Output } from '../../weft/v1/Taints.ts';
import type { MaintenanceWindow as _weft_v1_MaintenanceWindow, MaintenanceWindow__Output as _weft_v1_MaintenanceWindow__Output } from '../../weft/v1/MaintenanceWindow.ts';

export interface ConfigureRequest {
  'node'?: (string);
  'taints'?: (_weft_v1_Taints | null);
  'pool'?: (string);
  'addMaintenance'?: (_weft_v1_MaintenanceWindow)[];
  'clearMaintenance'?: (boolean);
  'quarantine'?: ({[key: string]: string});
  'release'?: (string)[];
  '_pool'?: "pool";
}

export interface ConfigureRequest__Output {
  'node': (string);
  'taints': (_weft_v1_Taints__Output | null);
  'pool'?: (string);
  'addMaintenance': (_weft_v1_MaintenanceWindow__Output)[];
  'clearMaintenance': (boolean);
  'quarantine': ({[key: string]: string});
  'release': (string)[];
  '_pool'?: "pool";
}
