// Original file: proto/weft/v1/cluster.proto


export interface QueueRequest {
}

export interface QueueRequest__Output {
}
