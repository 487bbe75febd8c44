// Original file: proto/weft/v1/trigger.proto

import type { TriggerSpec as _weft_v1_TriggerSpec, TriggerSpec__Output as _weft_v1_TriggerSpec__Output } from '../../weft/v1/TriggerSpec.ts';
import type { Code as _weft_v1_Code, Code__Output as _weft_v1_Code__Output } from '../../weft/v1/Code.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { Firing as _weft_v1_Firing, Firing__Output as _weft_v1_Firing__Output } from '../../weft/v1/Firing.ts';

export interface Trigger {
  'name'?: (string);
  'pipeline'?: (string);
  'state'?: (string);
  'spec'?: (_weft_v1_TriggerSpec | null);
  'version'?: (number);
  'code'?: (_weft_v1_Code | null);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'createdAtMs'?: (number | string);
  'changedAtMs'?: (number | string);
  'firedAtMs'?: (number | string);
  'nextAtMs'?: (number | string);
  'hook'?: (string);
  'firings'?: (_weft_v1_Firing)[];
}

export interface Trigger__Output {
  'name': (string);
  'pipeline': (string);
  'state': (string);
  'spec': (_weft_v1_TriggerSpec__Output | null);
  'version': (number);
  'code': (_weft_v1_Code__Output | null);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'createdAtMs': (number);
  'changedAtMs': (number);
  'firedAtMs': (number);
  'nextAtMs': (number);
  'hook': (string);
  'firings': (_weft_v1_Firing__Output)[];
}
