// Original file: proto/weft/v1/registry.proto


export interface MetricValues {
  'values'?: ({[key: string]: number | string});
}

export interface MetricValues__Output {
  'values': ({[key: string]: number});
}
