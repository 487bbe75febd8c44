// Original file: proto/weft/v1/cluster.proto


export interface DemandRequest {
}

export interface DemandRequest__Output {
}
