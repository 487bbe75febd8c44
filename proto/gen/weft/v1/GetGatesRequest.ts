// Original file: proto/weft/v1/registry.proto


export interface GetGatesRequest {
}

export interface GetGatesRequest__Output {
}
