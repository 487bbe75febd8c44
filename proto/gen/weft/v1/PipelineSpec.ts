// Original file: proto/weft/v1/pipeline.proto

import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { TaskSpec as _weft_v1_TaskSpec, TaskSpec__Output as _weft_v1_TaskSpec__Output } from '../../weft/v1/TaskSpec.ts';

export interface PipelineSpec {
  'name'?: (string);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'tasks'?: (_weft_v1_TaskSpec)[];
}

export interface PipelineSpec__Output {
  'name': (string);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'tasks': (_weft_v1_TaskSpec__Output)[];
}
