// Original file: proto/weft/v1/pipeline.proto

import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { TaskSpec as _weft_v1_TaskSpec, TaskSpec__Output as _weft_v1_TaskSpec__Output } from '../../weft/v1/TaskSpec.ts';
import type { TriggerSpec as _weft_v1_TriggerSpec, TriggerSpec__Output as _weft_v1_TriggerSpec__Output } from '../../weft/v1/TriggerSpec.ts';
import type { NotifySpec as _weft_v1_NotifySpec, NotifySpec__Output as _weft_v1_NotifySpec__Output } from '../../weft/v1/NotifySpec.ts';

export interface PipelineSpec {
  'name'?: (string);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'tasks'?: (_weft_v1_TaskSpec)[];
  'triggers'?: (_weft_v1_TriggerSpec)[];
  'notify'?: (_weft_v1_NotifySpec)[];
  'project'?: (string);
  'priority'?: (number);
}

export interface PipelineSpec__Output {
  'name': (string);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'tasks': (_weft_v1_TaskSpec__Output)[];
  'triggers': (_weft_v1_TriggerSpec__Output)[];
  'notify': (_weft_v1_NotifySpec__Output)[];
  'project': (string);
  'priority': (number);
}
