// Original file: proto/weft/v1/agent.proto


export interface GpuUsage {
  'uuid'?: (string);
  'utilizationFraction'?: (number | string);
  'memoryBytesUsed'?: (number | string);
  'temperatureCelsius'?: (number | string);
  'powerWatts'?: (number | string);
  'eccUncorrected'?: (number | string);
  'xids'?: (number)[];
  '_utilizationFraction'?: "utilizationFraction";
  '_memoryBytesUsed'?: "memoryBytesUsed";
  '_temperatureCelsius'?: "temperatureCelsius";
  '_powerWatts'?: "powerWatts";
  '_eccUncorrected'?: "eccUncorrected";
}

export interface GpuUsage__Output {
  'uuid': (string);
  'utilizationFraction'?: (number);
  'memoryBytesUsed'?: (number);
  'temperatureCelsius'?: (number);
  'powerWatts'?: (number);
  'eccUncorrected'?: (number);
  'xids': (number)[];
  '_utilizationFraction'?: "utilizationFraction";
  '_memoryBytesUsed'?: "memoryBytesUsed";
  '_temperatureCelsius'?: "temperatureCelsius";
  '_powerWatts'?: "powerWatts";
  '_eccUncorrected'?: "eccUncorrected";
}
