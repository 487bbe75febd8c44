// Original file: proto/weft/v1/registry.proto


export interface ListKeysRequest {
}

export interface ListKeysRequest__Output {
}
