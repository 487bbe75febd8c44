// Original file: proto/weft/v1/registry.proto

import type { VersionSignature as _weft_v1_VersionSignature, VersionSignature__Output as _weft_v1_VersionSignature__Output } from '../../weft/v1/VersionSignature.ts';

export interface VerifiedVersion {
  'name'?: (string);
  'version'?: (number);
  'uid'?: (string);
  'digest'?: (string);
  'files'?: (number);
  'bytes'?: (number | string);
  'signatures'?: (_weft_v1_VersionSignature)[];
  'faults'?: (string)[];
}

export interface VerifiedVersion__Output {
  'name': (string);
  'version': (number);
  'uid': (string);
  'digest': (string);
  'files': (number);
  'bytes': (number);
  'signatures': (_weft_v1_VersionSignature__Output)[];
  'faults': (string)[];
}
