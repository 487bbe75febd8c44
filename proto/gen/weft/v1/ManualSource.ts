// Original file: proto/weft/v1/pipeline.proto


export interface ManualSource {
}

export interface ManualSource__Output {
}
