// Original file: proto/weft/v1/trigger.proto


export interface RemoveTriggerResponse {
}

export interface RemoveTriggerResponse__Output {
}
