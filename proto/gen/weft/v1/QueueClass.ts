// Original file: proto/weft/v1/cluster.proto

import type { Resources as _weft_v1_Resources, Resources__Output as _weft_v1_Resources__Output } from '../../weft/v1/Resources.ts';

export interface QueueClass {
  'priority'?: (number);
  'resources'?: (_weft_v1_Resources | null);
  'waiting'?: (number);
  'oldestReadyAtMs'?: (number | string);
  'head'?: (string);
  'reason'?: (string);
  'project'?: (string);
  'nodes'?: (number);
  'running'?: (number);
}

export interface QueueClass__Output {
  'priority': (number);
  'resources': (_weft_v1_Resources__Output | null);
  'waiting': (number);
  'oldestReadyAtMs': (number);
  'head': (string);
  'reason': (string);
  'project': (string);
  'nodes': (number);
  'running': (number);
}
