// Original file: proto/weft/v1/trigger.proto

import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';

export interface FireTriggerRequest {
  'name'?: (string);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'key'?: (string);
  'force'?: (boolean);
}

export interface FireTriggerRequest__Output {
  'name': (string);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'key': (string);
  'force': (boolean);
}
