// Original file: proto/weft/v1/pipeline.proto


export interface GpuRequest {
  'memoryBytes'?: (number | string);
  'models'?: (string)[];
  'computeCapability'?: (string);
  'driver'?: (string);
  'mig'?: (string);
}

export interface GpuRequest__Output {
  'memoryBytes': (number);
  'models': (string)[];
  'computeCapability': (string);
  'driver': (string);
  'mig': (string);
}
