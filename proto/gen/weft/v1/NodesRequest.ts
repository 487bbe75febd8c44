// Original file: proto/weft/v1/cluster.proto


export interface NodesRequest {
}

export interface NodesRequest__Output {
}
