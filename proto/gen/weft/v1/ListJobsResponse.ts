// Original file: proto/weft/v1/job.proto

import type { Job as _weft_v1_Job, Job__Output as _weft_v1_Job__Output } from '../../weft/v1/Job.ts';

export interface ListJobsResponse {
  'jobs'?: (_weft_v1_Job)[];
  'nextPageToken'?: (string);
}

export interface ListJobsResponse__Output {
  'jobs': (_weft_v1_Job__Output)[];
  'nextPageToken': (string);
}
