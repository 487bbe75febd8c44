// Original file: proto/weft/v1/job.proto

import type { Execution as _weft_v1_Execution, Execution__Output as _weft_v1_Execution__Output } from '../../weft/v1/Execution.ts';
import type { Artifact as _weft_v1_Artifact, Artifact__Output as _weft_v1_Artifact__Output } from '../../weft/v1/Artifact.ts';
import type { Edge as _weft_v1_Edge, Edge__Output as _weft_v1_Edge__Output } from '../../weft/v1/Edge.ts';

export interface LineageResponse {
  'executions'?: (_weft_v1_Execution)[];
  'artifacts'?: (_weft_v1_Artifact)[];
  'edges'?: (_weft_v1_Edge)[];
}

export interface LineageResponse__Output {
  'executions': (_weft_v1_Execution__Output)[];
  'artifacts': (_weft_v1_Artifact__Output)[];
  'edges': (_weft_v1_Edge__Output)[];
}
