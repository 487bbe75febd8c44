// Original file: proto/weft/v1/agent.proto

import type { Gpu as _weft_v1_Gpu, Gpu__Output as _weft_v1_Gpu__Output } from '../../weft/v1/Gpu.ts';
import type { Long } from '@grpc/proto-loader';

export interface Capacity {
  'cpus'?: (number | string);
  'memoryBytes'?: (number | string | Long);
  'diskBytes'?: (number | string | Long);
  'gpus'?: (_weft_v1_Gpu)[];
  'os'?: (string);
  'arch'?: (string);
  'cpuModel'?: (string);
  'hostname'?: (string);
}

export interface Capacity__Output {
  'cpus': (number);
  'memoryBytes': (number);
  'diskBytes': (number);
  'gpus': (_weft_v1_Gpu__Output)[];
  'os': (string);
  'arch': (string);
  'cpuModel': (string);
  'hostname': (string);
}
