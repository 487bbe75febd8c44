import type { Job__Output } from "../proto/gen/weft/v1/Job.ts";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { weftServices } from "../proto/channel.ts";
import type { LineageResponse__Output } from "../proto/gen/weft/v1/LineageResponse.ts";
import type { PipelineSpec } from "../proto/gen/weft/v1/PipelineSpec.ts";
import { writeSharing } from "../proto/submit-bytes.ts";
import { type Scalar, toProtoValues } from "../proto/value.ts";
import { WeftClientError } from "./error.ts";
import {
  changeOf,
  type CodeOptions,
  codeToProto,
  isEnded,
  type Job,
  type JobChange,
  JobPicture,
  jobOf,
  jobOfPages,
} from "./job.ts";
import { type Lineage, lineageOf } from "./lineage.ts";
import { Link } from "./link.ts";
import { type LogChunk, LogSieve } from "./log.ts";
import { type Exec, type ExecOptions, type Forwarded, type ForwardOptions, openExec, openForward } from "./session.ts";
import {
  configureRequest,
  demandOf,
  type NodeChange,
  type NodeDemand,
  type Project,
  type ProjectChange,
  projectOf,
} from "./operator.ts";
import { NotificationClient } from "./notification.ts";
import { ModelClient } from "./registry.ts";
import { TriggerClient } from "./trigger.ts";
import { type Concurrency, concurrencyToProto } from "./pipeline.ts";
import { type Explanation, type Gate, type Node, nodeOf, type QueueClass, queueClassOf } from "./node.ts";

/** Reading what is there takes milliseconds; beyond this the server hangs. */
const QUERY_DEADLINE_MS = 10_000;
/** A job of 10,000 tasks is checked and committed within one call. */
const SUBMIT_DEADLINE_MS = 60_000;
/** A server's restart takes seconds; a stream that was begun goes on within this time after the last word. */
const RESUME_MS = 60_000;
const RESUME_PAUSE_MS = 500;

export interface SubmitOptions {
  /** Laid over the pipeline's own. */
  readonly params?: Readonly<Record<string, Scalar>>;
  /** The same key gives the same job. Without one, each call makes a job of its own. */
  readonly idempotencyKey?: string;
  /** -1000 to 1000, higher first. Without one: the pipeline's own. */
  readonly priority?: number;
  /** Whose quota and share it counts against. Without one: the pipeline's own. */
  readonly project?: string;
  readonly code?: CodeOptions;
  readonly trigger?: string;
  /** At most `limit` (default 1) jobs of the group at a time; instead of the pipeline's own. */
  readonly concurrency?: Concurrency;
}

export interface Submitted {
  readonly id: string;
  /** An earlier submit with the same key made this job. */
  readonly existing: boolean;
  readonly taskInstances: number;
}

export interface ListOptions {
  /** Newest first; at most 1000. Default 50. */
  readonly limit?: number;
  readonly states?: readonly string[];
  readonly pipeline?: string;
  readonly pageToken?: string;
}

export interface LogOptions {
  /** Absent: all tasks. */
  readonly task?: string;
  readonly index?: number;
  /** Absent: the current or last one. */
  readonly attempt?: number;
  /** Until the job ends. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

export interface ServerInfo {
  readonly version: string;
  readonly httpPort: number;
  readonly leader: boolean;
  /** Number of the leader's reign; rises with every take-over. */
  readonly term: number;
  readonly leaderAddress: string | null;
}

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** Told when the connection was lost and when it is tried again. */
  readonly onLost?: (error: WeftClientError) => void;
}

/**
 * A client of the server at `address` (HOST:PORT of its gRPC). Every call has a deadline; failures are WeftClientErrors.
 * Streams that were begun go on after a restart of the server.
 */
export function connect(address: string): WeftClient {
  return new WeftClient(address);
}

export class WeftClient {
  readonly address: string;
  readonly triggers: TriggerClient;
  readonly notifications: NotificationClient;
  readonly models: ModelClient;
  readonly #link: Link;
  readonly #jobs = weftServices().JobService.service;
  readonly #cluster = weftServices().ClusterService.service;
  readonly #sessions = weftServices().SessionService.service;

  constructor(address: string) {
    this.address = address;
    this.#link = new Link(address);
    this.triggers = new TriggerClient(this.#link);
    this.notifications = new NotificationClient(this.#link);
    this.models = new ModelClient(this.#link);
  }

  async info(): Promise<ServerInfo> {
    const info = await this.#link.unary(this.#cluster.Info, {}, QUERY_DEADLINE_MS);
    return {
      version: info.version,
      httpPort: info.httpPort,
      leader: info.leader,
      term: info.term,
      leaderAddress: info.leaderAddress || null,
    };
  }

  /** Accepts the job, whole or not at all. Errors: `invalid` with issues, `too_large`, `unavailable`. */
  async submit(pipeline: PipelineSpec | { toProto(): PipelineSpec }, options: SubmitOptions = {}): Promise<Submitted> {
    const { code } = options;
    const request = {
      pipeline: "toProto" in pipeline ? pipeline.toProto() : pipeline,
      params: toProtoValues(options.params ?? {}),
      // With a key of its own the call can be made again when its answer was lost, and there is still one job.
      idempotencyKey: options.idempotencyKey ?? randomUUID(),
      ...(options.priority === undefined ? {} : { priority: options.priority }),
      project: options.project ?? "",
      code: codeToProto(code),
      trigger: options.trigger ?? "",
      ...(options.concurrency ? { concurrency: concurrencyToProto(options.concurrency) } : {}),
    };
    const { Submit } = this.#jobs;
    const method = { ...Submit, requestSerialize: writeSharing(Submit.requestSerialize) };
    const response = await this.#again(() => this.#link.unary(method, request, SUBMIT_DEADLINE_MS));
    const existing = response.existing && options.idempotencyKey !== undefined;
    return { id: response.jobId, existing, taskInstances: response.taskInstances };
  }

  /** All of it, a large job page by page while it goes on: its `counts` are of the first page. Errors: `not_found`. */
  async get(jobId: string): Promise<Job> {
    const pages: Job__Output[] = [];
    for (let pageToken: string | null = ""; pageToken !== null;) {
      const page: Job__Output = await this.#link.unary(this.#jobs.Get, { jobId, pageToken }, QUERY_DEADLINE_MS);
      pages.push(page);
      pageToken = page.nextPageToken || null;
    }
    return jobOfPages(pages);
  }

  /** One page; `nextPageToken` is empty at the end. */
  async list(options: ListOptions = {}): Promise<{ jobs: Job[]; nextPageToken: string }> {
    const request = {
      limit: options.limit ?? 50,
      states: [...(options.states ?? [])],
      pipeline: options.pipeline ?? "",
      pageToken: options.pageToken ?? "",
    };
    const response = await this.#link.unary(this.#jobs.List, request, QUERY_DEADLINE_MS);
    return { jobs: response.jobs.map(jobOf), nextPageToken: response.nextPageToken };
  }

  /** Asks for the job to be stopped; answers with the state it had then. */
  async cancel(jobId: string, reason = ""): Promise<string> {
    const response = await this.#link.unary(this.#jobs.Cancel, { jobId, reason }, QUERY_DEADLINE_MS);
    return response.state;
  }

  /**
   * A new job of the same pipeline, parameters and code as one that has ended; with `failedOnly` what succeeded is taken over. `node`: all of it runs
   * there; `elsewhere`: on none of the nodes that it ran on. Errors: `not_found`, `failed_precondition`, `invalid`.
   */
  async rerun(
    jobId: string,
    options: {
      readonly failedOnly?: boolean;
      readonly idempotencyKey?: string;
      readonly node?: string;
      readonly elsewhere?: boolean;
    } = {},
  ): Promise<Submitted> {
    const { failedOnly = false, idempotencyKey, node = "", elsewhere = false } = options;
    const request = { jobId, failedOnly, node, elsewhere, idempotencyKey: idempotencyKey ?? randomUUID() };
    const response = await this.#again(() => this.#link.unary(this.#jobs.Rerun, request, SUBMIT_DEADLINE_MS));
    const existing = response.existing && idempotencyKey !== undefined;
    return { id: response.jobId, existing, taskInstances: response.taskInstances };
  }

  /** A person's word for a task that waits for one. Errors: `not_found`, `failed_precondition`. */
  async approve(
    jobId: string,
    task: string,
    word: { readonly by: string; readonly approved?: boolean; readonly comment?: string },
  ): Promise<void> {
    const request = { jobId, task, by: word.by, reject: word.approved === false, comment: word.comment ?? "" };
    await this.#link.unary(this.#jobs.Approve, request, QUERY_DEADLINE_MS);
  }

  /** The job as it stands, then each change, until it ends. */
  async *watch(jobId: string, options: WatchOptions = {}): AsyncGenerator<JobChange, void> {
    const { signal } = options;
    yield* this.#resuming(options, async function* (this: WeftClient) {
      let first = true;
      let ended = false;
      for await (const event of this.#link.stream(this.#jobs.Watch, { jobId }, signal)) {
        const change = changeOf(event, first);
        first = false;
        ended ||= change.job !== null && isEnded(change.job.state);
        yield change;
      }
      // A server that stops in order ends its streams in order too.
      if (!ended && !signal?.aborted) throw new WeftClientError("unavailable", `${this.address} ended the watch`);
    });
  }

  /** Waits until the job has ended. */
  async wait(jobId: string, options: WatchOptions = {}): Promise<Job> {
    const picture = new JobPicture();
    for await (const change of this.watch(jobId, options)) picture.take(change);
    return picture.job ?? (await this.get(jobId));
  }

  /** Log bytes, in order of offset for each attempt and stream, each byte once. */
  async *logs(jobId: string, options: LogOptions & WatchOptions = {}): AsyncGenerator<LogChunk, void> {
    const request = {
      jobId,
      task: options.task ?? "",
      attempt: options.attempt ?? 0,
      follow: options.follow ?? false,
      ...(options.index === undefined ? {} : { index: options.index }),
    };
    const sieve = new LogSieve();
    yield* this.#resuming(options, async function* (this: WeftClient) {
      for await (const message of this.#link.stream(this.#jobs.Logs, request, options.signal)) {
        const chunk = sieve.take(message);
        if (chunk) yield chunk;
      }
    });
  }

  /** What each ended attempt of the job ran from, read and wrote. */
  async lineage(jobId: string): Promise<Lineage> {
    const parts: LineageResponse__Output[] = [];
    for await (const part of this.#link.stream(this.#jobs.Lineage, { jobId }, undefined)) parts.push(part);
    return lineageOf(parts);
  }

  /**
   * Runs a command in the environment of a running task. It ends with the task, and when the call is cancelled. Errors
   * come with its output: `failed_precondition` when the task does not run, `unavailable` when the session breaks off.
   */
  async exec(jobId: string, options: ExecOptions): Promise<Exec> {
    return openExec(await this.#link.duplex(this.#sessions.Exec, options.signal), jobId, options);
  }

  /** One connection to a port of 127.0.0.1 on the machine of a running task. Errors come with its data. */
  async forward(jobId: string, options: ForwardOptions): Promise<Forwarded> {
    return openForward(await this.#link.duplex(this.#sessions.Forward, options.signal), jobId, options);
  }

  async nodes(): Promise<Node[]> {
    const response = await this.#link.unary(this.#cluster.Nodes, {}, QUERY_DEADLINE_MS);
    return response.nodes.map(nodeOf);
  }

  /** What waits, by what it asks for; with `running` also what is only on nodes. */
  async queue({ running = false }: { readonly running?: boolean } = {}): Promise<QueueClass[]> {
    const response = await this.#link.unary(this.#cluster.Queue, { running }, QUERY_DEADLINE_MS);
    return response.classes.map(queueClassOf);
  }

  /** What waits for other things than machines: a concurrency group, a rate limit, an approval. */
  async gates(): Promise<Gate[]> {
    const response = await this.#link.unary(this.#cluster.Queue, {}, QUERY_DEADLINE_MS);
    return response.gates as Gate[];
  }

  /** Why a task instance is in the state it is in. */
  async explain(jobId: string, task: string, index = 0): Promise<Explanation> {
    const response = await this.#link.unary(this.#cluster.Explain, { jobId, task, index }, QUERY_DEADLINE_MS);
    return {
      state: response.state,
      since: response.sinceMs === 0 ? null : new Date(response.sinceMs),
      reasons: response.reasons,
      history: response.history.map(({ fromMs, toMs, ...entry }) => ({
        from: new Date(fromMs),
        to: new Date(toMs),
        ...entry,
      })),
      historySince: response.historySinceMs === 0 ? null : new Date(response.historySinceMs),
    };
  }

  /** No new work on the node; what runs goes on. `node` is an id or a name. */
  async cordon(node: string, reason = ""): Promise<Node> {
    return nodeOf(await this.#link.unary(this.#cluster.Cordon, { node, reason }, QUERY_DEADLINE_MS));
  }

  /**
   * Cordons, and stops what runs there, at once or after `deadlineMs`: it runs again elsewhere, and no retry is spent.
   */
  async drain(node: string, reason = "", deadlineMs = 0): Promise<Node> {
    return nodeOf(await this.#link.unary(this.#cluster.Drain, { node, reason, deadlineMs }, QUERY_DEADLINE_MS));
  }

  /** Taints, pool, maintenance and quarantined devices of a node; what is absent stays as it is. */
  async configure(node: string, change: NodeChange): Promise<Node> {
    return nodeOf(await this.#link.unary(this.#cluster.Configure, configureRequest(node, change), QUERY_DEADLINE_MS));
  }

  async projects(): Promise<Project[]> {
    const response = await this.#link.unary(this.#cluster.Projects, {}, QUERY_DEADLINE_MS);
    return response.projects.map(projectOf);
  }

  /** What is absent stays as it is; a quota replaces the whole quota. */
  async setProject(name: string, change: ProjectChange): Promise<Project> {
    return projectOf(await this.#link.unary(this.#cluster.SetProject, { name, ...change }, QUERY_DEADLINE_MS));
  }

  /** How many nodes of each kind what runs and waits would fill. */
  async demand(): Promise<NodeDemand[]> {
    const response = await this.#link.unary(this.#cluster.Demand, {}, QUERY_DEADLINE_MS);
    return response.classes.map(demandOf);
  }

  async uncordon(node: string): Promise<Node> {
    return nodeOf(await this.#link.unary(this.#cluster.Uncordon, { node, reason: "" }, QUERY_DEADLINE_MS));
  }

  close(): void {
    this.#link.close();
  }

  /** Once more after an answer that did not come: the call must be safe to repeat. */
  async #again<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      await delay(RESUME_PAUSE_MS);
      return await call();
    }
  }

  /** Reads streams one after the other until one ends in order; a lost one is followed by another. */
  async *#resuming<T>(
    options: WatchOptions,
    open: (this: WeftClient) => AsyncGenerator<T, void>,
  ): AsyncGenerator<T, void> {
    let heardAtMs: number | undefined;
    for (;;) {
      const startedAtMs = performance.now();
      try {
        for await (const value of open.call(this)) {
          heardAtMs = performance.now();
          yield value;
        }
        return;
      } catch (error) {
        if (!isUnavailable(error) || options.signal?.aborted) throw error;
        // A stream that never began is an error of the caller's: a wrong address, most likely.
        if (heardAtMs === undefined) throw error;
        // What was open for long was alive, though it may have been silent: the time runs from when it was lost.
        const open = performance.now() - startedAtMs > RESUME_MS;
        if (open) heardAtMs = performance.now();
        if (performance.now() - heardAtMs > RESUME_MS) throw error;
        options.onLost?.(error);
        await delay(RESUME_PAUSE_MS, undefined, options.signal ? { signal: options.signal } : {}).catch(() => {});
      }
    }
  }
}

function isUnavailable(error: unknown): error is WeftClientError {
  return error instanceof WeftClientError && error.code === "unavailable";
}
