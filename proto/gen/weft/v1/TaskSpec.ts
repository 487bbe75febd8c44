// Original file: proto/weft/v1/pipeline.proto

import type { InputSpec as _weft_v1_InputSpec, InputSpec__Output as _weft_v1_InputSpec__Output } from '../../weft/v1/InputSpec.ts';
import type { Resources as _weft_v1_Resources, Resources__Output as _weft_v1_Resources__Output } from '../../weft/v1/Resources.ts';
import type { MapDimension as _weft_v1_MapDimension, MapDimension__Output as _weft_v1_MapDimension__Output } from '../../weft/v1/MapDimension.ts';
import type { Retries as _weft_v1_Retries, Retries__Output as _weft_v1_Retries__Output } from '../../weft/v1/Retries.ts';
import type { Environment as _weft_v1_Environment, Environment__Output as _weft_v1_Environment__Output } from '../../weft/v1/Environment.ts';
import type { MapSource as _weft_v1_MapSource, MapSource__Output as _weft_v1_MapSource__Output } from '../../weft/v1/MapSource.ts';
import type { Approve as _weft_v1_Approve, Approve__Output as _weft_v1_Approve__Output } from '../../weft/v1/Approve.ts';
import type { Rate as _weft_v1_Rate, Rate__Output as _weft_v1_Rate__Output } from '../../weft/v1/Rate.ts';
import type { ResultCache as _weft_v1_ResultCache, ResultCache__Output as _weft_v1_ResultCache__Output } from '../../weft/v1/ResultCache.ts';
import type { SubPipeline as _weft_v1_SubPipeline, SubPipeline__Output as _weft_v1_SubPipeline__Output } from '../../weft/v1/SubPipeline.ts';
import type { Placement as _weft_v1_Placement, Placement__Output as _weft_v1_Placement__Output } from '../../weft/v1/Placement.ts';
import type { ServiceSpec as _weft_v1_ServiceSpec, ServiceSpec__Output as _weft_v1_ServiceSpec__Output } from '../../weft/v1/ServiceSpec.ts';
import type { Long } from '@grpc/proto-loader';

export interface TaskSpec {
  'name'?: (string);
  'script'?: (string);
  'command'?: (string)[];
  'needs'?: (string)[];
  'inputs'?: ({[key: string]: _weft_v1_InputSpec});
  'outputs'?: ({[key: string]: string});
  'resources'?: (_weft_v1_Resources | null);
  'map'?: (_weft_v1_MapDimension)[];
  'retries'?: (_weft_v1_Retries | null);
  'timeoutMs'?: (number | string | Long);
  'env'?: ({[key: string]: string});
  'files'?: (string)[];
  'environment'?: (_weft_v1_Environment | null);
  'stopGraceMs'?: (number | string | Long);
  'when'?: (string);
  'tolerateCount'?: (number);
  'tolerateShare'?: (number | string);
  'if'?: (string);
  'mapFrom'?: (_weft_v1_MapSource | null);
  'approve'?: (_weft_v1_Approve | null);
  'rate'?: (_weft_v1_Rate | null);
  'cache'?: (_weft_v1_ResultCache | null);
  'pipeline'?: (_weft_v1_SubPipeline | null);
  'paramAliases'?: ({[key: string]: string});
  'join'?: (boolean);
  'metricTolerance'?: ({[key: string]: number | string});
  'alternatives'?: (_weft_v1_Resources)[];
  'placement'?: (_weft_v1_Placement | null);
  'nodes'?: (number);
  'preemptible'?: (boolean);
  'checkpoint'?: (boolean);
  'checkpointEveryMs'?: (number | string | Long);
  'service'?: (_weft_v1_ServiceSpec | null);
  'keepOutputs'?: (boolean);
}

export interface TaskSpec__Output {
  'name': (string);
  'script': (string);
  'command': (string)[];
  'needs': (string)[];
  'inputs': ({[key: string]: _weft_v1_InputSpec__Output});
  'outputs': ({[key: string]: string});
  'resources': (_weft_v1_Resources__Output | null);
  'map': (_weft_v1_MapDimension__Output)[];
  'retries': (_weft_v1_Retries__Output | null);
  'timeoutMs': (number);
  'env': ({[key: string]: string});
  'files': (string)[];
  'environment': (_weft_v1_Environment__Output | null);
  'stopGraceMs': (number);
  'when': (string);
  'tolerateCount': (number);
  'tolerateShare': (number);
  'if': (string);
  'mapFrom': (_weft_v1_MapSource__Output | null);
  'approve': (_weft_v1_Approve__Output | null);
  'rate': (_weft_v1_Rate__Output | null);
  'cache': (_weft_v1_ResultCache__Output | null);
  'pipeline': (_weft_v1_SubPipeline__Output | null);
  'paramAliases': ({[key: string]: string});
  'join': (boolean);
  'metricTolerance': ({[key: string]: number});
  'alternatives': (_weft_v1_Resources__Output)[];
  'placement': (_weft_v1_Placement__Output | null);
  'nodes': (number);
  'preemptible': (boolean);
  'checkpoint': (boolean);
  'checkpointEveryMs': (number);
  'service': (_weft_v1_ServiceSpec__Output | null);
  'keepOutputs': (boolean);
}
