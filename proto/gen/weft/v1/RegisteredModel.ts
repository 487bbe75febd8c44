// Original file: proto/weft/v1/registry.proto

import type { ModelAlias as _weft_v1_ModelAlias, ModelAlias__Output as _weft_v1_ModelAlias__Output } from '../../weft/v1/ModelAlias.ts';
import type { ModelVersion as _weft_v1_ModelVersion, ModelVersion__Output as _weft_v1_ModelVersion__Output } from '../../weft/v1/ModelVersion.ts';
import type { ModelMove as _weft_v1_ModelMove, ModelMove__Output as _weft_v1_ModelMove__Output } from '../../weft/v1/ModelMove.ts';

export interface RegisteredModel {
  'name'?: (string);
  'description'?: (string);
  'createdAtMs'?: (number | string);
  'updatedAtMs'?: (number | string);
  'tags'?: ({[key: string]: string});
  'aliases'?: (_weft_v1_ModelAlias)[];
  'latestVersion'?: (number);
  'versions'?: (_weft_v1_ModelVersion)[];
  'moves'?: (_weft_v1_ModelMove)[];
}

export interface RegisteredModel__Output {
  'name': (string);
  'description': (string);
  'createdAtMs': (number);
  'updatedAtMs': (number);
  'tags': ({[key: string]: string});
  'aliases': (_weft_v1_ModelAlias__Output)[];
  'latestVersion': (number);
  'versions': (_weft_v1_ModelVersion__Output)[];
  'moves': (_weft_v1_ModelMove__Output)[];
}
