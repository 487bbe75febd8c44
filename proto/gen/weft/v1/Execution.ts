// Original file: proto/weft/v1/job.proto

import type { Code as _weft_v1_Code, Code__Output as _weft_v1_Code__Output } from '../../weft/v1/Code.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';

export interface Execution {
  'id'?: (string);
  'jobId'?: (string);
  'task'?: (string);
  'index'?: (number);
  'attempt'?: (number);
  'state'?: (string);
  'nodeId'?: (string);
  'node'?: (string);
  'gpuUuids'?: (string)[];
  'code'?: (_weft_v1_Code | null);
  'command'?: (string);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'map'?: ({[key: string]: _google_protobuf_Value});
  'startedAtMs'?: (number | string);
  'finishedAtMs'?: (number | string);
  'exitCode'?: (number);
  'signal'?: (string);
  'reason'?: (string);
  'message'?: (string);
  'cpuMs'?: (number | string);
  'peakMemoryBytes'?: (number | string);
  'environmentDigest'?: (string);
  'stdoutBytes'?: (number | string);
  'stderrBytes'?: (number | string);
  'usageSource'?: (string);
  '_exitCode'?: "exitCode";
}

export interface Execution__Output {
  'id': (string);
  'jobId': (string);
  'task': (string);
  'index': (number);
  'attempt': (number);
  'state': (string);
  'nodeId': (string);
  'node': (string);
  'gpuUuids': (string)[];
  'code': (_weft_v1_Code__Output | null);
  'command': (string);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'map': ({[key: string]: _google_protobuf_Value__Output});
  'startedAtMs': (number);
  'finishedAtMs': (number);
  'exitCode'?: (number);
  'signal': (string);
  'reason': (string);
  'message': (string);
  'cpuMs': (number);
  'peakMemoryBytes': (number);
  'environmentDigest': (string);
  'stdoutBytes': (number);
  'stderrBytes': (number);
  'usageSource': (string);
  '_exitCode'?: "exitCode";
}
