// Original file: proto/weft/v1/registry.proto

import type { GateVerdict as _weft_v1_GateVerdict, GateVerdict__Output as _weft_v1_GateVerdict__Output } from '../../weft/v1/GateVerdict.ts';

export interface Promotion {
  'name'?: (string);
  'alias'?: (string);
  'fromVersion'?: (number);
  'toVersion'?: (number);
  'gates'?: (_weft_v1_GateVerdict)[];
  'overridden'?: (boolean);
}

export interface Promotion__Output {
  'name': (string);
  'alias': (string);
  'fromVersion': (number);
  'toVersion': (number);
  'gates': (_weft_v1_GateVerdict__Output)[];
  'overridden': (boolean);
}
