// Original file: proto/weft/v1/job.proto


export interface TriggeredBy {
  'trigger'?: (string);
  'kind'?: (string);
  'event'?: (string);
  'atMs'?: (number | string);
  'version'?: (number);
}

export interface TriggeredBy__Output {
  'trigger': (string);
  'kind': (string);
  'event': (string);
  'atMs': (number);
  'version': (number);
}
