// Original file: proto/weft/v1/job.proto


export interface ApproveResponse {
}

export interface ApproveResponse__Output {
}
