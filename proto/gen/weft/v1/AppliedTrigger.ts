// Original file: proto/weft/v1/trigger.proto


export interface AppliedTrigger {
  'name'?: (string);
  'change'?: (string);
  'secret'?: (string);
  'hook'?: (string);
  'nextAtMs'?: (number | string);
}

export interface AppliedTrigger__Output {
  'name': (string);
  'change': (string);
  'secret': (string);
  'hook': (string);
  'nextAtMs': (number);
}
