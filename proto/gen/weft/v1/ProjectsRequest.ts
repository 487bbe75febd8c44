// Original file: proto/weft/v1/cluster.proto


export interface ProjectsRequest {
}

export interface ProjectsRequest__Output {
}
