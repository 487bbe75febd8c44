// Original file: proto/weft/v1/agent.proto


export interface Gpu {
  'uuid'?: (string);
  'index'?: (number);
  'vendor'?: (string);
  'model'?: (string);
  'memoryBytes'?: (number | string);
  'computeCapability'?: (string);
  'driver'?: (string);
  'pciBus'?: (string);
  'migMode'?: (string);
  'eccMode'?: (string);
  'healthy'?: (boolean);
  'healthMessage'?: (string);
  'migProfile'?: (string);
}

export interface Gpu__Output {
  'uuid': (string);
  'index': (number);
  'vendor': (string);
  'model': (string);
  'memoryBytes': (number);
  'computeCapability': (string);
  'driver': (string);
  'pciBus': (string);
  'migMode': (string);
  'eccMode': (string);
  'healthy': (boolean);
  'healthMessage': (string);
  'migProfile': (string);
}
