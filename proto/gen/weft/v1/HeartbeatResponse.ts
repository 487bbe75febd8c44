// Original file: proto/weft/v1/agent.proto

import type { StopAttempt as _weft_v1_StopAttempt, StopAttempt__Output as _weft_v1_StopAttempt__Output } from '../../weft/v1/StopAttempt.ts';
import type { OpenSession as _weft_v1_OpenSession, OpenSession__Output as _weft_v1_OpenSession__Output } from '../../weft/v1/OpenSession.ts';
import type { Long } from '@grpc/proto-loader';

export interface HeartbeatResponse {
  'sequence'?: (number | string | Long);
  'leaseMs'?: (number | string | Long);
  'heartbeatIntervalMs'?: (number | string | Long);
  'stop'?: (_weft_v1_StopAttempt)[];
  'query'?: (string)[];
  'term'?: (number | string);
  'rejoin'?: (boolean);
  'era'?: (number);
  'open'?: (_weft_v1_OpenSession)[];
}

export interface HeartbeatResponse__Output {
  'sequence': (number);
  'leaseMs': (number);
  'heartbeatIntervalMs': (number);
  'stop': (_weft_v1_StopAttempt__Output)[];
  'query': (string)[];
  'term': (number);
  'rejoin': (boolean);
  'era': (number);
  'open': (_weft_v1_OpenSession__Output)[];
}
