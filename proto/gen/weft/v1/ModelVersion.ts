// Original file: proto/weft/v1/registry.proto

import type { ModelFile as _weft_v1_ModelFile, ModelFile__Output as _weft_v1_ModelFile__Output } from '../../weft/v1/ModelFile.ts';
import type { ModelData as _weft_v1_ModelData, ModelData__Output as _weft_v1_ModelData__Output } from '../../weft/v1/ModelData.ts';
import type { ModelEvaluation as _weft_v1_ModelEvaluation, ModelEvaluation__Output as _weft_v1_ModelEvaluation__Output } from '../../weft/v1/ModelEvaluation.ts';

export interface ModelVersion {
  'model'?: (string);
  'version'?: (number);
  'uid'?: (string);
  'digest'?: (string);
  'files'?: (number);
  'bytes'?: (number | string);
  'source'?: (string);
  'location'?: (string);
  'stage'?: (string);
  'aliases'?: (string)[];
  'description'?: (string);
  'createdBy'?: (string);
  'createdAtMs'?: (number | string);
  'signature'?: (string);
  'inputExample'?: (_weft_v1_ModelFile | null);
  'environment'?: (_weft_v1_ModelFile)[];
  'flavors'?: (string)[];
  'params'?: ({[key: string]: string});
  'metrics'?: ({[key: string]: number | string});
  'runId'?: (string);
  'experimentId'?: (string);
  'modelId'?: (string);
  'attempt'?: (string);
  'commit'?: (string);
  'data'?: (_weft_v1_ModelData)[];
  'evaluations'?: (_weft_v1_ModelEvaluation)[];
  'signedBy'?: (string)[];
}

export interface ModelVersion__Output {
  'model': (string);
  'version': (number);
  'uid': (string);
  'digest': (string);
  'files': (number);
  'bytes': (number);
  'source': (string);
  'location': (string);
  'stage': (string);
  'aliases': (string)[];
  'description': (string);
  'createdBy': (string);
  'createdAtMs': (number);
  'signature': (string);
  'inputExample': (_weft_v1_ModelFile__Output | null);
  'environment': (_weft_v1_ModelFile__Output)[];
  'flavors': (string)[];
  'params': ({[key: string]: string});
  'metrics': ({[key: string]: number});
  'runId': (string);
  'experimentId': (string);
  'modelId': (string);
  'attempt': (string);
  'commit': (string);
  'data': (_weft_v1_ModelData__Output)[];
  'evaluations': (_weft_v1_ModelEvaluation__Output)[];
  'signedBy': (string)[];
}
