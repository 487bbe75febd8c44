// Original file: proto/weft/v1/job.proto

import type { Job as _weft_v1_Job, Job__Output as _weft_v1_Job__Output } from '../../weft/v1/Job.ts';
import type { Task as _weft_v1_Task, Task__Output as _weft_v1_Task__Output } from '../../weft/v1/Task.ts';

export interface JobEvent {
  'job'?: (_weft_v1_Job | null);
  'tasks'?: (_weft_v1_Task)[];
}

export interface JobEvent__Output {
  'job': (_weft_v1_Job__Output | null);
  'tasks': (_weft_v1_Task__Output)[];
}
