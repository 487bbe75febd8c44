// Original file: proto/weft/v1/job.proto

import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { Code as _weft_v1_Code, Code__Output as _weft_v1_Code__Output } from '../../weft/v1/Code.ts';
import type { Task as _weft_v1_Task, Task__Output as _weft_v1_Task__Output } from '../../weft/v1/Task.ts';
import type { TriggeredBy as _weft_v1_TriggeredBy, TriggeredBy__Output as _weft_v1_TriggeredBy__Output } from '../../weft/v1/TriggeredBy.ts';
import type { InstanceRange as _weft_v1_InstanceRange, InstanceRange__Output as _weft_v1_InstanceRange__Output } from '../../weft/v1/InstanceRange.ts';

export interface Job {
  'id'?: (string);
  'pipeline'?: (string);
  'state'?: (string);
  'trigger'?: (string);
  'priority'?: (number);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'code'?: (_weft_v1_Code | null);
  'submittedAtMs'?: (number | string);
  'startedAtMs'?: (number | string);
  'finishedAtMs'?: (number | string);
  'reason'?: (string);
  'tasks'?: (_weft_v1_Task)[];
  'counts'?: ({[key: string]: number});
  'cancelRequested'?: (boolean);
  'waitsFor'?: (string);
  'project'?: (string);
  'triggeredBy'?: (_weft_v1_TriggeredBy | null);
  'resting'?: (_weft_v1_InstanceRange)[];
  'nextPageToken'?: (string);
}

export interface Job__Output {
  'id': (string);
  'pipeline': (string);
  'state': (string);
  'trigger': (string);
  'priority': (number);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'code': (_weft_v1_Code__Output | null);
  'submittedAtMs': (number);
  'startedAtMs': (number);
  'finishedAtMs': (number);
  'reason': (string);
  'tasks': (_weft_v1_Task__Output)[];
  'counts': ({[key: string]: number});
  'cancelRequested': (boolean);
  'waitsFor': (string);
  'project': (string);
  'triggeredBy': (_weft_v1_TriggeredBy__Output | null);
  'resting': (_weft_v1_InstanceRange__Output)[];
  'nextPageToken': (string);
}
