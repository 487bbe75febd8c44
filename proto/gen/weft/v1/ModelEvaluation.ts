// Original file: proto/weft/v1/registry.proto

import type { MetricValues as _weft_v1_MetricValues, MetricValues__Output as _weft_v1_MetricValues__Output } from '../../weft/v1/MetricValues.ts';

export interface ModelEvaluation {
  'id'?: (string);
  'model'?: (string);
  'version'?: (number);
  'dataset'?: (string);
  'datasetDigest'?: (string);
  'metrics'?: ({[key: string]: number | string});
  'segments'?: ({[key: string]: _weft_v1_MetricValues});
  'attempt'?: (string);
  'runId'?: (string);
  'by'?: (string);
  'atMs'?: (number | string);
}

export interface ModelEvaluation__Output {
  'id': (string);
  'model': (string);
  'version': (number);
  'dataset': (string);
  'datasetDigest': (string);
  'metrics': ({[key: string]: number});
  'segments': ({[key: string]: _weft_v1_MetricValues__Output});
  'attempt': (string);
  'runId': (string);
  'by': (string);
  'atMs': (number);
}
