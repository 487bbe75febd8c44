// Original file: proto/weft/v1/pipeline.proto

import type { ScheduleSource as _weft_v1_ScheduleSource, ScheduleSource__Output as _weft_v1_ScheduleSource__Output } from '../../weft/v1/ScheduleSource.ts';
import type { NatsSource as _weft_v1_NatsSource, NatsSource__Output as _weft_v1_NatsSource__Output } from '../../weft/v1/NatsSource.ts';
import type { WebhookSource as _weft_v1_WebhookSource, WebhookSource__Output as _weft_v1_WebhookSource__Output } from '../../weft/v1/WebhookSource.ts';
import type { DataSource as _weft_v1_DataSource, DataSource__Output as _weft_v1_DataSource__Output } from '../../weft/v1/DataSource.ts';
import type { JobSource as _weft_v1_JobSource, JobSource__Output as _weft_v1_JobSource__Output } from '../../weft/v1/JobSource.ts';
import type { ManualSource as _weft_v1_ManualSource, ManualSource__Output as _weft_v1_ManualSource__Output } from '../../weft/v1/ManualSource.ts';
import type { Value as _google_protobuf_Value, Value__Output as _google_protobuf_Value__Output } from '../../google/protobuf/Value.ts';
import type { Long } from '@grpc/proto-loader';

export interface TriggerSpec {
  'name'?: (string);
  'schedule'?: (_weft_v1_ScheduleSource | null);
  'nats'?: (_weft_v1_NatsSource | null);
  'webhook'?: (_weft_v1_WebhookSource | null);
  'data'?: (_weft_v1_DataSource | null);
  'job'?: (_weft_v1_JobSource | null);
  'manual'?: (_weft_v1_ManualSource | null);
  'params'?: ({[key: string]: _google_protobuf_Value});
  'dedupeWindowMs'?: (number | string | Long);
  'dedupeKey'?: (string);
  'cooldownMs'?: (number | string | Long);
  'source'?: "schedule"|"nats"|"webhook"|"data"|"job"|"manual";
  '_dedupeWindowMs'?: "dedupeWindowMs";
}

export interface TriggerSpec__Output {
  'name': (string);
  'schedule'?: (_weft_v1_ScheduleSource__Output | null);
  'nats'?: (_weft_v1_NatsSource__Output | null);
  'webhook'?: (_weft_v1_WebhookSource__Output | null);
  'data'?: (_weft_v1_DataSource__Output | null);
  'job'?: (_weft_v1_JobSource__Output | null);
  'manual'?: (_weft_v1_ManualSource__Output | null);
  'params': ({[key: string]: _google_protobuf_Value__Output});
  'dedupeWindowMs'?: (number);
  'dedupeKey': (string);
  'cooldownMs': (number);
  'source'?: "schedule"|"nats"|"webhook"|"data"|"job"|"manual";
  '_dedupeWindowMs'?: "dedupeWindowMs";
}
