// Original file: proto/weft/v1/agent.proto

import type { Long } from '@grpc/proto-loader';

export interface JoinResponse {
  'natsServers'?: (string)[];
  'assignStream'?: (string);
  'assignConsumer'?: (string);
  'reportSubject'?: (string);
  'logSubjectPrefix'?: (string);
  'httpPort'?: (number);
  'heartbeatIntervalMs'?: (number | string | Long);
  'leaseMs'?: (number | string | Long);
  'term'?: (number | string);
  'era'?: (number);
}

export interface JoinResponse__Output {
  'natsServers': (string)[];
  'assignStream': (string);
  'assignConsumer': (string);
  'reportSubject': (string);
  'logSubjectPrefix': (string);
  'httpPort': (number);
  'heartbeatIntervalMs': (number);
  'leaseMs': (number);
  'term': (number);
  'era': (number);
}
