// Original file: proto/weft/v1/job.proto


export interface LogChunk {
  'task'?: (string);
  'index'?: (number);
  'attempt'?: (number);
  'stream'?: (string);
  'offset'?: (number | string);
  'data'?: (Buffer | Uint8Array | string);
  'atMs'?: (number | string);
  'missingBytes'?: (number | string);
}

export interface LogChunk__Output {
  'task': (string);
  'index': (number);
  'attempt': (number);
  'stream': (string);
  'offset': (number);
  'data': (Buffer);
  'atMs': (number);
  'missingBytes': (number);
}
