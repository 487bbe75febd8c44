// Original file: proto/weft/v1/job.proto

import type { PipelineSpec as _weft_v1_PipelineSpec, PipelineSpec__Output as _weft_v1_PipelineSpec__Output } from '../../weft/v1/PipelineSpec.ts';

export interface ReadPipelineResponse {
  'pipeline'?: (_weft_v1_PipelineSpec | null);
}

export interface ReadPipelineResponse__Output {
  'pipeline': (_weft_v1_PipelineSpec__Output | null);
}
