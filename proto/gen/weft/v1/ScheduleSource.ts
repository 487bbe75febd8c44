// Original file: proto/weft/v1/pipeline.proto


export interface ScheduleSource {
  'cron'?: (string);
  'timezone'?: (string);
  'missed'?: (string);
  'missedMax'?: (number);
}

export interface ScheduleSource__Output {
  'cron': (string);
  'timezone': (string);
  'missed': (string);
  'missedMax': (number);
}
