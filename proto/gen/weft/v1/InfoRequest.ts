// Original file: proto/weft/v1/cluster.proto


export interface InfoRequest {
}

export interface InfoRequest__Output {
}
