// Original file: proto/weft/v1/registry.proto

import type { ModelGate as _weft_v1_ModelGate, ModelGate__Output as _weft_v1_ModelGate__Output } from '../../weft/v1/ModelGate.ts';

export interface SetGatesRequest {
  'gates'?: (_weft_v1_ModelGate)[];
  'by'?: (string);
}

export interface SetGatesRequest__Output {
  'gates': (_weft_v1_ModelGate__Output)[];
  'by': (string);
}
