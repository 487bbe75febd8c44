// Original file: proto/weft/v1/cluster.proto

import type { Project as _weft_v1_Project, Project__Output as _weft_v1_Project__Output } from '../../weft/v1/Project.ts';

export interface ProjectsResponse {
  'projects'?: (_weft_v1_Project)[];
}

export interface ProjectsResponse__Output {
  'projects': (_weft_v1_Project__Output)[];
}
