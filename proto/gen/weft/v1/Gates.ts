// Original file: proto/weft/v1/registry.proto

import type { ModelGate as _weft_v1_ModelGate, ModelGate__Output as _weft_v1_ModelGate__Output } from '../../weft/v1/ModelGate.ts';

export interface Gates {
  'number'?: (number);
  'gates'?: (_weft_v1_ModelGate)[];
  'setAtMs'?: (number | string);
  'setBy'?: (string);
}

export interface Gates__Output {
  'number': (number);
  'gates': (_weft_v1_ModelGate__Output)[];
  'setAtMs': (number);
  'setBy': (string);
}
