// Original file: proto/weft/v1/agent.proto

import type { GpuUsage as _weft_v1_GpuUsage, GpuUsage__Output as _weft_v1_GpuUsage__Output } from '../../weft/v1/GpuUsage.ts';

export interface Usage {
  'cpuFraction'?: (number | string);
  'memoryBytesUsed'?: (number | string);
  'diskBytesFree'?: (number | string);
  'gpus'?: (_weft_v1_GpuUsage)[];
  'problems'?: (string)[];
  '_cpuFraction'?: "cpuFraction";
  '_memoryBytesUsed'?: "memoryBytesUsed";
  '_diskBytesFree'?: "diskBytesFree";
}

export interface Usage__Output {
  'cpuFraction'?: (number);
  'memoryBytesUsed'?: (number);
  'diskBytesFree'?: (number);
  'gpus': (_weft_v1_GpuUsage__Output)[];
  'problems': (string)[];
  '_cpuFraction'?: "cpuFraction";
  '_memoryBytesUsed'?: "memoryBytesUsed";
  '_diskBytesFree'?: "diskBytesFree";
}
