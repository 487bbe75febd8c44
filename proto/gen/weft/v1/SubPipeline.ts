// Original file: proto/weft/v1/pipeline.proto

import type { PipelineSpec as _weft_v1_PipelineSpec, PipelineSpec__Output as _weft_v1_PipelineSpec__Output } from '../../weft/v1/PipelineSpec.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';

export interface SubPipeline {
  'pipeline'?: (_weft_v1_PipelineSpec | null);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'paramNames'?: ({[key: string]: string});
}

export interface SubPipeline__Output {
  'pipeline': (_weft_v1_PipelineSpec__Output | null);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'paramNames': ({[key: string]: string});
}
