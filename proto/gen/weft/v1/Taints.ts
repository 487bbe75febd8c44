// Original file: proto/weft/v1/cluster.proto


export interface Taints {
  'taints'?: (string)[];
}

export interface Taints__Output {
  'taints': (string)[];
}
