// Original file: proto/weft/v1/cluster.proto


export interface Quota {
  'cpus'?: (number | string);
  'memoryBytes'?: (number | string);
  'gpus'?: (number | string);
  '_cpus'?: "cpus";
  '_memoryBytes'?: "memoryBytes";
  '_gpus'?: "gpus";
}

export interface Quota__Output {
  'cpus'?: (number);
  'memoryBytes'?: (number);
  'gpus'?: (number);
  '_cpus'?: "cpus";
  '_memoryBytes'?: "memoryBytes";
  '_gpus'?: "gpus";
}
