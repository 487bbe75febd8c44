// Original file: proto/weft/v1/job.proto

import type { OutputArtifact as _weft_v1_OutputArtifact, OutputArtifact__Output as _weft_v1_OutputArtifact__Output } from '../../weft/v1/OutputArtifact.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { ServiceStatus as _weft_v1_ServiceStatus, ServiceStatus__Output as _weft_v1_ServiceStatus__Output } from '../../weft/v1/ServiceStatus.ts';

export interface Task {
  'name'?: (string);
  'index'?: (number);
  'state'?: (string);
  'attempt'?: (number);
  'node'?: (string);
  'startedAtMs'?: (number | string);
  'finishedAtMs'?: (number | string);
  'exitCode'?: (number);
  'reason'?: (string);
  'message'?: (string);
  'needs'?: (string)[];
  'outputs'?: (_weft_v1_OutputArtifact)[];
  'map'?: ({[key: string]: _google_protobuf_Value});
  'failures'?: (number);
  'losses'?: (number);
  'crashes'?: (number);
  'result'?: (string);
  'cache'?: (string);
  'service'?: (_weft_v1_ServiceStatus | null);
  '_exitCode'?: "exitCode";
}

export interface Task__Output {
  'name': (string);
  'index': (number);
  'state': (string);
  'attempt': (number);
  'node': (string);
  'startedAtMs': (number);
  'finishedAtMs': (number);
  'exitCode'?: (number);
  'reason': (string);
  'message': (string);
  'needs': (string)[];
  'outputs': (_weft_v1_OutputArtifact__Output)[];
  'map': ({[key: string]: _google_protobuf_Value__Output});
  'failures': (number);
  'losses': (number);
  'crashes': (number);
  'result': (string);
  'cache': (string);
  'service': (_weft_v1_ServiceStatus__Output | null);
  '_exitCode'?: "exitCode";
}
