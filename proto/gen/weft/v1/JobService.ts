// Original file: proto/weft/v1/job.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ApproveRequest as _weft_v1_ApproveRequest, ApproveRequest__Output as _weft_v1_ApproveRequest__Output } from '../../weft/v1/ApproveRequest.ts';
import type { ApproveResponse as _weft_v1_ApproveResponse, ApproveResponse__Output as _weft_v1_ApproveResponse__Output } from '../../weft/v1/ApproveResponse.ts';
import type { CancelJobRequest as _weft_v1_CancelJobRequest, CancelJobRequest__Output as _weft_v1_CancelJobRequest__Output } from '../../weft/v1/CancelJobRequest.ts';
import type { CancelJobResponse as _weft_v1_CancelJobResponse, CancelJobResponse__Output as _weft_v1_CancelJobResponse__Output } from '../../weft/v1/CancelJobResponse.ts';
import type { GetJobRequest as _weft_v1_GetJobRequest, GetJobRequest__Output as _weft_v1_GetJobRequest__Output } from '../../weft/v1/GetJobRequest.ts';
import type { Job as _weft_v1_Job, Job__Output as _weft_v1_Job__Output } from '../../weft/v1/Job.ts';
import type { JobEvent as _weft_v1_JobEvent, JobEvent__Output as _weft_v1_JobEvent__Output } from '../../weft/v1/JobEvent.ts';
import type { LineageRequest as _weft_v1_LineageRequest, LineageRequest__Output as _weft_v1_LineageRequest__Output } from '../../weft/v1/LineageRequest.ts';
import type { LineageResponse as _weft_v1_LineageResponse, LineageResponse__Output as _weft_v1_LineageResponse__Output } from '../../weft/v1/LineageResponse.ts';
import type { ListJobsRequest as _weft_v1_ListJobsRequest, ListJobsRequest__Output as _weft_v1_ListJobsRequest__Output } from '../../weft/v1/ListJobsRequest.ts';
import type { ListJobsResponse as _weft_v1_ListJobsResponse, ListJobsResponse__Output as _weft_v1_ListJobsResponse__Output } from '../../weft/v1/ListJobsResponse.ts';
import type { LogChunk as _weft_v1_LogChunk, LogChunk__Output as _weft_v1_LogChunk__Output } from '../../weft/v1/LogChunk.ts';
import type { LogsRequest as _weft_v1_LogsRequest, LogsRequest__Output as _weft_v1_LogsRequest__Output } from '../../weft/v1/LogsRequest.ts';
import type { ReadPipelineRequest as _weft_v1_ReadPipelineRequest, ReadPipelineRequest__Output as _weft_v1_ReadPipelineRequest__Output } from '../../weft/v1/ReadPipelineRequest.ts';
import type { ReadPipelineResponse as _weft_v1_ReadPipelineResponse, ReadPipelineResponse__Output as _weft_v1_ReadPipelineResponse__Output } from '../../weft/v1/ReadPipelineResponse.ts';
import type { RerunRequest as _weft_v1_RerunRequest, RerunRequest__Output as _weft_v1_RerunRequest__Output } from '../../weft/v1/RerunRequest.ts';
import type { SubmitRequest as _weft_v1_SubmitRequest, SubmitRequest__Output as _weft_v1_SubmitRequest__Output } from '../../weft/v1/SubmitRequest.ts';
import type { SubmitResponse as _weft_v1_SubmitResponse, SubmitResponse__Output as _weft_v1_SubmitResponse__Output } from '../../weft/v1/SubmitResponse.ts';
import type { WatchJobRequest as _weft_v1_WatchJobRequest, WatchJobRequest__Output as _weft_v1_WatchJobRequest__Output } from '../../weft/v1/WatchJobRequest.ts';

export interface JobServiceClient extends grpc.Client {
  Approve(argument: _weft_v1_ApproveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  Approve(argument: _weft_v1_ApproveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  Approve(argument: _weft_v1_ApproveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  Approve(argument: _weft_v1_ApproveRequest, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  approve(argument: _weft_v1_ApproveRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  approve(argument: _weft_v1_ApproveRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  approve(argument: _weft_v1_ApproveRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  approve(argument: _weft_v1_ApproveRequest, callback: grpc.requestCallback<_weft_v1_ApproveResponse__Output>): grpc.ClientUnaryCall;
  
  Cancel(argument: _weft_v1_CancelJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _weft_v1_CancelJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _weft_v1_CancelJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  Cancel(argument: _weft_v1_CancelJobRequest, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  cancel(argument: _weft_v1_CancelJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  cancel(argument: _weft_v1_CancelJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  cancel(argument: _weft_v1_CancelJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  cancel(argument: _weft_v1_CancelJobRequest, callback: grpc.requestCallback<_weft_v1_CancelJobResponse__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _weft_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _weft_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _weft_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  Get(argument: _weft_v1_GetJobRequest, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetJobRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetJobRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetJobRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  get(argument: _weft_v1_GetJobRequest, callback: grpc.requestCallback<_weft_v1_Job__Output>): grpc.ClientUnaryCall;
  
  Lineage(argument: _weft_v1_LineageRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LineageResponse__Output>;
  Lineage(argument: _weft_v1_LineageRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LineageResponse__Output>;
  lineage(argument: _weft_v1_LineageRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LineageResponse__Output>;
  lineage(argument: _weft_v1_LineageRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LineageResponse__Output>;
  
  List(argument: _weft_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  List(argument: _weft_v1_ListJobsRequest, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListJobsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListJobsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListJobsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  list(argument: _weft_v1_ListJobsRequest, callback: grpc.requestCallback<_weft_v1_ListJobsResponse__Output>): grpc.ClientUnaryCall;
  
  Logs(argument: _weft_v1_LogsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LogChunk__Output>;
  Logs(argument: _weft_v1_LogsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LogChunk__Output>;
  logs(argument: _weft_v1_LogsRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LogChunk__Output>;
  logs(argument: _weft_v1_LogsRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_LogChunk__Output>;
  
  ReadPipeline(argument: _weft_v1_ReadPipelineRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  ReadPipeline(argument: _weft_v1_ReadPipelineRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  ReadPipeline(argument: _weft_v1_ReadPipelineRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  ReadPipeline(argument: _weft_v1_ReadPipelineRequest, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  readPipeline(argument: _weft_v1_ReadPipelineRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  readPipeline(argument: _weft_v1_ReadPipelineRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  readPipeline(argument: _weft_v1_ReadPipelineRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  readPipeline(argument: _weft_v1_ReadPipelineRequest, callback: grpc.requestCallback<_weft_v1_ReadPipelineResponse__Output>): grpc.ClientUnaryCall;
  
  Rerun(argument: _weft_v1_RerunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Rerun(argument: _weft_v1_RerunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Rerun(argument: _weft_v1_RerunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Rerun(argument: _weft_v1_RerunRequest, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  rerun(argument: _weft_v1_RerunRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  rerun(argument: _weft_v1_RerunRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  rerun(argument: _weft_v1_RerunRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  rerun(argument: _weft_v1_RerunRequest, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  
  Submit(argument: _weft_v1_SubmitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _weft_v1_SubmitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _weft_v1_SubmitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  Submit(argument: _weft_v1_SubmitRequest, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _weft_v1_SubmitRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _weft_v1_SubmitRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _weft_v1_SubmitRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  submit(argument: _weft_v1_SubmitRequest, callback: grpc.requestCallback<_weft_v1_SubmitResponse__Output>): grpc.ClientUnaryCall;
  
  Watch(argument: _weft_v1_WatchJobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_JobEvent__Output>;
  Watch(argument: _weft_v1_WatchJobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_JobEvent__Output>;
  watch(argument: _weft_v1_WatchJobRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_JobEvent__Output>;
  watch(argument: _weft_v1_WatchJobRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_weft_v1_JobEvent__Output>;
  
}

export interface JobServiceHandlers extends grpc.UntypedServiceImplementation {
  Approve: grpc.handleUnaryCall<_weft_v1_ApproveRequest__Output, _weft_v1_ApproveResponse>;
  
  Cancel: grpc.handleUnaryCall<_weft_v1_CancelJobRequest__Output, _weft_v1_CancelJobResponse>;
  
  Get: grpc.handleUnaryCall<_weft_v1_GetJobRequest__Output, _weft_v1_Job>;
  
  Lineage: grpc.handleServerStreamingCall<_weft_v1_LineageRequest__Output, _weft_v1_LineageResponse>;
  
  List: grpc.handleUnaryCall<_weft_v1_ListJobsRequest__Output, _weft_v1_ListJobsResponse>;
  
  Logs: grpc.handleServerStreamingCall<_weft_v1_LogsRequest__Output, _weft_v1_LogChunk>;
  
  ReadPipeline: grpc.handleUnaryCall<_weft_v1_ReadPipelineRequest__Output, _weft_v1_ReadPipelineResponse>;
  
  Rerun: grpc.handleUnaryCall<_weft_v1_RerunRequest__Output, _weft_v1_SubmitResponse>;
  
  Submit: grpc.handleUnaryCall<_weft_v1_SubmitRequest__Output, _weft_v1_SubmitResponse>;
  
  Watch: grpc.handleServerStreamingCall<_weft_v1_WatchJobRequest__Output, _weft_v1_JobEvent>;
  
}

export interface JobServiceDefinition extends grpc.ServiceDefinition {
  Approve: MethodDefinition<_weft_v1_ApproveRequest, _weft_v1_ApproveResponse, _weft_v1_ApproveRequest__Output, _weft_v1_ApproveResponse__Output>
  Cancel: MethodDefinition<_weft_v1_CancelJobRequest, _weft_v1_CancelJobResponse, _weft_v1_CancelJobRequest__Output, _weft_v1_CancelJobResponse__Output>
  Get: MethodDefinition<_weft_v1_GetJobRequest, _weft_v1_Job, _weft_v1_GetJobRequest__Output, _weft_v1_Job__Output>
  Lineage: MethodDefinition<_weft_v1_LineageRequest, _weft_v1_LineageResponse, _weft_v1_LineageRequest__Output, _weft_v1_LineageResponse__Output>
  List: MethodDefinition<_weft_v1_ListJobsRequest, _weft_v1_ListJobsResponse, _weft_v1_ListJobsRequest__Output, _weft_v1_ListJobsResponse__Output>
  Logs: MethodDefinition<_weft_v1_LogsRequest, _weft_v1_LogChunk, _weft_v1_LogsRequest__Output, _weft_v1_LogChunk__Output>
  ReadPipeline: MethodDefinition<_weft_v1_ReadPipelineRequest, _weft_v1_ReadPipelineResponse, _weft_v1_ReadPipelineRequest__Output, _weft_v1_ReadPipelineResponse__Output>
  Rerun: MethodDefinition<_weft_v1_RerunRequest, _weft_v1_SubmitResponse, _weft_v1_RerunRequest__Output, _weft_v1_SubmitResponse__Output>
  Submit: MethodDefinition<_weft_v1_SubmitRequest, _weft_v1_SubmitResponse, _weft_v1_SubmitRequest__Output, _weft_v1_SubmitResponse__Output>
  Watch: MethodDefinition<_weft_v1_WatchJobRequest, _weft_v1_JobEvent, _weft_v1_WatchJobRequest__Output, _weft_v1_JobEvent__Output>
}
