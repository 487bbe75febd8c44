/** The TypeScript client of Weft, and the builder of pipelines. */
export {
  connect,
  type ListOptions,
  type LogOptions,
  type ServerInfo,
  type SubmitOptions,
  type Submitted,
  WeftClient,
  type WatchOptions,
} from "./client.ts";
export { type ClientErrorCode, type ClientIssue, WeftClientError } from "./error.ts";
export {
  type Code,
  type CodeOptions,
  type InstanceRange,
  isEnded,
  type Job,
  type JobChange,
  JobPicture,
  type JobState,
  type OutputArtifact,
  type TaskInstance,
  type TaskState,
  type TriggeredBy,
} from "./job.ts";
export type { Artifact, Edge, Execution, Lineage } from "./lineage.ts";
export type {
  GateSet,
  GateVerdict,
  ModelEvaluation,
  ModelGate,
  ModelHead,
  ModelMove,
  ModelVersion,
  Promotion,
  RegisteredModel,
  SigningKey,
  VerifiedVersion,
} from "./model.ts";
export { ModelClient, type PromoteOptions } from "./registry.ts";
export { type Notification, NotificationClient } from "./notification.ts";
export {
  type AppliedTrigger,
  type ApplyOptions,
  type Firing,
  type Trigger,
  TriggerClient,
  type TriggerKind,
} from "./trigger.ts";
export type { LogChunk } from "./log.ts";
export type { Explanation, Gpu, Node, QueueClass, Resources } from "./node.ts";
export type { Exec, ExecOptions, ExecOutput, Forwarded, ForwardOptions, WindowSize } from "./session.ts";
export type { NodeChange, NodeDemand, Project, ProjectChange, Quota } from "./operator.ts";
export {
  type Duration,
  pipeline,
  PipelineBuilder,
  type PipelineOptions,
  type ProbeOptions,
  type ServiceOptions,
  type Size,
  type Outside,
  type TaskOptions,
} from "./pipeline.ts";
export type { Scalar } from "../proto/value.ts";
