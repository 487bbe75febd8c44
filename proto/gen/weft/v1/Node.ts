// Original file: proto/weft/v1/cluster.proto

import type { Capacity as _weft_v1_Capacity, Capacity__Output as _weft_v1_Capacity__Output } from '../../weft/v1/Capacity.ts';
import type { Resources as _weft_v1_Resources, Resources__Output as _weft_v1_Resources__Output } from '../../weft/v1/Resources.ts';
import type { Usage as _weft_v1_Usage, Usage__Output as _weft_v1_Usage__Output } from '../../weft/v1/Usage.ts';
import type { MaintenanceWindow as _weft_v1_MaintenanceWindow, MaintenanceWindow__Output as _weft_v1_MaintenanceWindow__Output } from '../../weft/v1/MaintenanceWindow.ts';

export interface Node {
  'id'?: (string);
  'name'?: (string);
  'state'?: (string);
  'capacity'?: (_weft_v1_Capacity | null);
  'reserved'?: (_weft_v1_Resources | null);
  'gpusReserved'?: (string)[];
  'labels'?: ({[key: string]: string});
  'lastHeartbeatMs'?: (number | string);
  'attempts'?: (number);
  'usage'?: (_weft_v1_Usage | null);
  'agentVersion'?: (string);
  'taints'?: (string)[];
  'pool'?: (string);
  'maintenance'?: (_weft_v1_MaintenanceWindow)[];
  'quarantined'?: ({[key: string]: string});
  'drainAtMs'?: (number | string);
  'held'?: (boolean);
  'address'?: (string);
}

export interface Node__Output {
  'id': (string);
  'name': (string);
  'state': (string);
  'capacity': (_weft_v1_Capacity__Output | null);
  'reserved': (_weft_v1_Resources__Output | null);
  'gpusReserved': (string)[];
  'labels': ({[key: string]: string});
  'lastHeartbeatMs': (number);
  'attempts': (number);
  'usage': (_weft_v1_Usage__Output | null);
  'agentVersion': (string);
  'taints': (string)[];
  'pool': (string);
  'maintenance': (_weft_v1_MaintenanceWindow__Output)[];
  'quarantined': ({[key: string]: string});
  'drainAtMs': (number);
  'held': (boolean);
  'address': (string);
}
