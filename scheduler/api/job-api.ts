import { setImmediate as nextTurn } from "node:timers/promises";
import { WeftError } from "../../lib/core/error.ts";
import type { JobId } from "../../lib/core/ids.ts";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { hint } from "../../lib/core/pipeline/nearest.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import { readPipeline } from "../../lib/core/pipeline/yaml.ts";
import { rawRequest, type CallContext, type Sink } from "../../lib/grpc.ts";
import type { ApproveRequest__Output } from "../../proto/gen/weft/v1/ApproveRequest.ts";
import type { ApproveResponse } from "../../proto/gen/weft/v1/ApproveResponse.ts";
import type { CancelJobRequest__Output } from "../../proto/gen/weft/v1/CancelJobRequest.ts";
import type { CancelJobResponse } from "../../proto/gen/weft/v1/CancelJobResponse.ts";
import type { GetJobRequest__Output } from "../../proto/gen/weft/v1/GetJobRequest.ts";
import type { Job as JobProto } from "../../proto/gen/weft/v1/Job.ts";
import type { LineageRequest__Output } from "../../proto/gen/weft/v1/LineageRequest.ts";
import type { LineageResponse } from "../../proto/gen/weft/v1/LineageResponse.ts";
import type { ListJobsRequest__Output } from "../../proto/gen/weft/v1/ListJobsRequest.ts";
import type { ListJobsResponse } from "../../proto/gen/weft/v1/ListJobsResponse.ts";
import type { LogChunk } from "../../proto/gen/weft/v1/LogChunk.ts";
import type { LogsRequest__Output } from "../../proto/gen/weft/v1/LogsRequest.ts";
import type { ReadPipelineRequest__Output } from "../../proto/gen/weft/v1/ReadPipelineRequest.ts";
import type { ReadPipelineResponse } from "../../proto/gen/weft/v1/ReadPipelineResponse.ts";
import type { RerunRequest__Output } from "../../proto/gen/weft/v1/RerunRequest.ts";
import type { SubmitRequest__Output } from "../../proto/gen/weft/v1/SubmitRequest.ts";
import type { SubmitResponse } from "../../proto/gen/weft/v1/SubmitResponse.ts";
import { type Answer, type JobProgress, type JobState, listNodes } from "../core/index.ts";
import { type LogParts, streamLogs } from "../logs.ts";
import { expectDone, refusal, withIssues } from "./answer.ts";
import { countStates, headToProto, jobPage } from "./job.ts";
import type { JobFinder } from "./job-finder.ts";
import type { JobReader, Records } from "./parts.ts";
import type { Reign } from "./reign.ts";
import { readRerun } from "./rerun.ts";
import { readPlace } from "./rerun-place.ts";
import { hasSources, pinSources } from "./sources.ts";
import { readSubmit } from "./submit.ts";

const LIST_LIMIT_DEFAULT = 50;
const LIST_LIMIT_MAX = 1_000;
/** Of one page, in characters of parameters: the message must stay under 16 MiB whatever the jobs were given. */
const LIST_PARAMS_LENGTH_MAX = 4 * 1024 * 1024;
/** Of a name and of a comment: they are kept with the task, and shown in one line. */
const APPROVAL_CHARS_MAX = 1_000;
/** To decode a submit and to check it takes about 50 ms a MiB each: between the two, heartbeats and reports are heard. */
const LARGE_SUBMIT_BYTES = 1024 * 1024;
const JOB_STATES: readonly JobState[] = ["pending", "running", "succeeded", "failed", "cancelled"];

export interface JobApiParts {
  readonly jobs: JobReader;
  readonly finder: JobFinder;
  readonly records: Records;
  readonly openTail: LogParts["openTail"];
  readonly newJobId: () => JobId;
  /** Throws `failed_precondition` when this server cannot send what the pipeline wants sent. */
  readonly checkNotify: (spec: PipelineSpec) => void;
  readonly nowMs: () => number;
}

/** JobService. What takes a Reign only the leader can answer; the rest any server can. */
export class JobApi {
  readonly #parts: JobApiParts;

  constructor(parts: JobApiParts) {
    this.#parts = parts;
  }

  async submit(request: SubmitRequest__Output, reign: Reign): Promise<SubmitResponse> {
    const bytes = rawRequest(request)?.length ?? 0;
    if (bytes > LARGE_SUBMIT_BYTES) await nextTurn();
    const read = readSubmit(request, bytes, this.#parts.newJobId());
    this.#parts.checkNotify(read.spec);
    const job = await pinSources(read, this.#parts.records.findData);
    return accepted(await reign.loop.submit({ kind: "jobSubmitted", job }));
  }

  readPipeline({ text, fileName }: ReadPipelineRequest__Output): ReadPipelineResponse {
    const name = fileName === "" ? "weft.yaml" : fileName;
    const read = readPipeline(text, name);
    if (read.ok) return { pipeline: toProto(read.spec) };
    const count = read.issues.length === 1 ? "one thing is wrong" : `${read.issues.length} things are wrong`;
    const issues = read.issues.map(({ path, line, column, message }) => ({
      path,
      message: `${name}:${line}:${column}: ${message}`,
    }));
    throw withIssues("invalid", `${count} in ${name}`, issues);
  }

  async rerun(request: RerunRequest__Output, reign: Reign): Promise<SubmitResponse> {
    const { finder, records } = this.#parts;
    const earlier = await finder.get(await finder.resolve(request.jobId));
    const place = readPlace(request, earlier, reign.loop.read(listNodes));
    const reads = hasSources(earlier.row.spec) ? await records.sourceReads(earlier.row.id) : [];
    const event = readRerun(earlier, request, this.#parts.newJobId(), { place, reads });
    return accepted(await reign.loop.submit(event));
  }

  async get(request: GetJobRequest__Output): Promise<JobProto> {
    const { finder } = this.#parts;
    const job = await finder.get(await finder.resolve(request.jobId));
    const names = await finder.nodeNames(job.tasks.map((row) => row.node));
    return { ...headToProto(job), counts: countStates(job), ...jobPage(job, names, request.pageToken) };
  }

  async list(request: ListJobsRequest__Output): Promise<ListJobsResponse> {
    const states = request.states.map(readState);
    const limit = request.limit === 0 ? LIST_LIMIT_DEFAULT : Math.min(request.limit, LIST_LIMIT_MAX);
    const before = readPageToken(request.pageToken);
    const found = await this.#parts.jobs.listJobs({ states, pipeline: request.pipeline, before, limit });
    const jobs: JobProto[] = [];
    let paramsLength = 0;
    for (const { row, progress, counts } of found) {
      paramsLength += JSON.stringify(row.params).length;
      if (paramsLength > LIST_PARAMS_LENGTH_MAX && jobs.length > 0) break;
      jobs.push({ ...headToProto({ row, progress }), counts: { ...counts } });
    }
    const more = found.length === limit || jobs.length < found.length;
    return { jobs, nextPageToken: more ? (jobs.at(-1)?.id ?? "") : "" };
  }

  /** Of a job that has ended it gives the state that it ended in. */
  async cancel(request: CancelJobRequest__Output, reign: Reign): Promise<CancelJobResponse> {
    const job = await this.#parts.finder.resolve(request.jobId);
    const before = await this.#progress(job);
    if (before.finishedAtMs !== null) return { state: before.state };
    const answer = await reign.loop.submit({ kind: "jobCancelRequested", job, reason: request.reason });
    const after = await this.#progress(job);
    // It may have ended while the request was on its way; then there was nothing to cancel, and that is no error.
    if (answer.kind === "refused" && after.finishedAtMs === null) throw refusal(answer);
    return { state: after.state };
  }

  async approve(request: ApproveRequest__Output, reign: Reign): Promise<ApproveResponse> {
    const { task, by, comment } = request;
    if (by === "") throw new WeftError("invalid", "the approval does not say who gives it");
    for (const text of [by, comment]) {
      if (text.length > APPROVAL_CHARS_MAX)
        throw new WeftError(
          "invalid",
          `the approval says ${text.length} characters; at most ${APPROVAL_CHARS_MAX} are allowed`,
        );
    }
    const job = await this.#parts.finder.resolve(request.jobId);
    expectDone(await reign.loop.submit({ kind: "approvalGiven", job, task, by, approved: !request.reject, comment }));
    return {};
  }

  async logs(request: LogsRequest__Output, sink: Sink<LogChunk>, context: CallContext): Promise<void> {
    const { finder, jobs, records, openTail, nowMs } = this.#parts;
    const job = await finder.get(await finder.resolve(request.jobId));
    const selection = {
      task: request.task === "" ? null : request.task,
      index: request.index ?? null,
      attempt: request.attempt === 0 ? null : request.attempt,
      follow: request.follow,
    };
    const parts: LogParts = { jobs, records, openTail, nowMs };
    await streamLogs(parts, job, selection, (chunk) => sink.write(chunk), context.signal);
  }

  async lineage(request: LineageRequest__Output, sink: Sink<LineageResponse>): Promise<void> {
    const job = await this.#parts.finder.resolve(request.jobId);
    for (const part of await this.#parts.records.lineage(job)) await sink.write(part);
  }

  async #progress(job: JobId): Promise<JobProgress> {
    const progress = await this.#parts.jobs.getProgress(job);
    if (!progress) throw new WeftError("not_found", `job ${job} is gone`);
    return progress;
  }
}

function accepted(answer: Answer): SubmitResponse {
  if (answer.kind === "refused") throw refusal(answer);
  if (answer.kind !== "accepted") throw new Error(`a submit was answered with ${answer.kind}`);
  return { jobId: answer.job, existing: answer.existing, taskInstances: answer.instances };
}

function readState(text: string): JobState {
  const state = JOB_STATES.find((known) => known === text);
  if (state) return state;
  throw new WeftError("invalid", `"${text}" is no state of a job${hint(text, JOB_STATES)}`);
}

/** The token is the id of the last job of the page before. */
function readPageToken(token: string): JobId | null {
  if (token === "") return null;
  if (/^[0-9a-z]{1,64}$/.test(token)) return token as JobId;
  throw new WeftError("invalid", `"${token}" is no page token; give next_page_token of the last response as it is`);
}
