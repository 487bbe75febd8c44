// Original file: proto/weft/v1/job.proto

import type { PipelineSpec as _weft_v1_PipelineSpec, PipelineSpec__Output as _weft_v1_PipelineSpec__Output } from '../../weft/v1/PipelineSpec.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { Code as _weft_v1_Code, Code__Output as _weft_v1_Code__Output } from '../../weft/v1/Code.ts';
import type { Concurrency as _weft_v1_Concurrency, Concurrency__Output as _weft_v1_Concurrency__Output } from '../../weft/v1/Concurrency.ts';

export interface SubmitRequest {
  'pipeline'?: (_weft_v1_PipelineSpec | null);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'idempotencyKey'?: (string);
  'priority'?: (number);
  'code'?: (_weft_v1_Code | null);
  'trigger'?: (string);
  'concurrency'?: (_weft_v1_Concurrency | null);
  'project'?: (string);
  '_priority'?: "priority";
}

export interface SubmitRequest__Output {
  'pipeline': (_weft_v1_PipelineSpec__Output | null);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'idempotencyKey': (string);
  'priority'?: (number);
  'code': (_weft_v1_Code__Output | null);
  'trigger': (string);
  'concurrency': (_weft_v1_Concurrency__Output | null);
  'project': (string);
  '_priority'?: "priority";
}
