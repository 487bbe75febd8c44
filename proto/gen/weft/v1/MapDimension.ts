// Original file: proto/weft/v1/pipeline.proto

import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';

export interface MapDimension {
  'name'?: (string);
  'values'?: (_google_protobuf_Value)[];
}

export interface MapDimension__Output {
  'name': (string);
  'values': (_google_protobuf_Value__Output)[];
}
