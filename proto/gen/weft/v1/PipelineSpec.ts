// Original file: proto/weft/v1/pipeline.proto

import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { TaskSpec as _weft_v1_TaskSpec, TaskSpec__Output as _weft_v1_TaskSpec__Output } from '../../weft/v1/TaskSpec.ts';
import type { TriggerSpec as _weft_v1_TriggerSpec, TriggerSpec__Output as _weft_v1_TriggerSpec__Output } from '../../weft/v1/TriggerSpec.ts';
import type { NotifySpec as _weft_v1_NotifySpec, NotifySpec__Output as _weft_v1_NotifySpec__Output } from '../../weft/v1/NotifySpec.ts';
import type { Concurrency as _weft_v1_Concurrency, Concurrency__Output as _weft_v1_Concurrency__Output } from '../../weft/v1/Concurrency.ts';
import type { Rate as _weft_v1_Rate, Rate__Output as _weft_v1_Rate__Output } from '../../weft/v1/Rate.ts';

export interface PipelineSpec {
  'name'?: (string);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'tasks'?: (_weft_v1_TaskSpec)[];
  'triggers'?: (_weft_v1_TriggerSpec)[];
  'notify'?: (_weft_v1_NotifySpec)[];
  'concurrency'?: (_weft_v1_Concurrency | null);
  'rate'?: (_weft_v1_Rate | null);
  'project'?: (string);
  'priority'?: (number);
}

export interface PipelineSpec__Output {
  'name': (string);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'tasks': (_weft_v1_TaskSpec__Output)[];
  'triggers': (_weft_v1_TriggerSpec__Output)[];
  'notify': (_weft_v1_NotifySpec__Output)[];
  'concurrency': (_weft_v1_Concurrency__Output | null);
  'rate': (_weft_v1_Rate__Output | null);
  'project': (string);
  'priority': (number);
}
