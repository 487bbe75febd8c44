// Original file: proto/weft/v1/job.proto


export interface ReadPipelineRequest {
  'text'?: (string);
  'fileName'?: (string);
}

export interface ReadPipelineRequest__Output {
  'text': (string);
  'fileName': (string);
}
