// Original file: proto/weft/v1/registry.proto

import type { GateVerdict as _weft_v1_GateVerdict, GateVerdict__Output as _weft_v1_GateVerdict__Output } from '../../weft/v1/GateVerdict.ts';

export interface ModelMove {
  'kind'?: (string);
  'alias'?: (string);
  'fromVersion'?: (number);
  'toVersion'?: (number);
  'fromStage'?: (string);
  'toStage'?: (string);
  'atMs'?: (number | string);
  'by'?: (string);
  'reason'?: (string);
  'gates'?: (_weft_v1_GateVerdict)[];
  'overridden'?: (boolean);
}

export interface ModelMove__Output {
  'kind': (string);
  'alias': (string);
  'fromVersion': (number);
  'toVersion': (number);
  'fromStage': (string);
  'toStage': (string);
  'atMs': (number);
  'by': (string);
  'reason': (string);
  'gates': (_weft_v1_GateVerdict__Output)[];
  'overridden': (boolean);
}
