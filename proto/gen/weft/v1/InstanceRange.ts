// Original file: proto/weft/v1/job.proto


export interface InstanceRange {
  'name'?: (string);
  'first'?: (number);
  'count'?: (number);
  'state'?: (string);
  'needs'?: (string)[];
}

export interface InstanceRange__Output {
  'name': (string);
  'first': (number);
  'count': (number);
  'state': (string);
  'needs': (string)[];
}
