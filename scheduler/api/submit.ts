import { type Issue, WeftError } from "../../lib/core/error.ts";
import { type Digest, isDigest, type JobId, NAME } from "../../lib/core/ids.ts";
import { checkConcurrency, type Concurrency, concurrencyFromProto } from "../../lib/core/pipeline/admission.ts";
import { fromProto } from "../../lib/core/pipeline/canonical.ts";
import { LIMITS } from "../../lib/core/pipeline/limits.ts";
import { bindParams } from "../../lib/core/pipeline/params.ts";
import type { Code, Scalar } from "../../lib/core/pipeline/spec.ts";
import { formatSize } from "../../lib/core/pipeline/units.ts";
import type { SubmitRequest__Output } from "../../proto/gen/weft/v1/SubmitRequest.ts";
import { fromProtoValue } from "../../proto/value.ts";
import type { NewJob } from "../core/index.ts";
import { withIssues } from "./answer.ts";

/** The order of magnitude of nice levels and of other schedulers; the queue has one class for each. */
const PRIORITY_MAX = 1_000;
/** Keys are indexed; a UUID or a digest with a prefix fits many times. */
const IDEMPOTENCY_KEY_LENGTH_MAX = 200;
const TRIGGER_LENGTH_MAX = 200;
/** Of a branch and of a remote's URL: git's own names end at 255, URLs at 2,048 nearly everywhere. */
const CODE_ORIGIN_LENGTH_MAX = 2_048;
/** Keys of jobs that triggers make; a client that took one would keep a firing from happening. */
export const TRIGGER_KEY_PREFIX = "trigger:";

/** The checked job of a submit; `bytes` is the size of its message. Errors: `too_large`, `invalid` with issues. */
export function readSubmit(request: SubmitRequest__Output, bytes: number, id: JobId): NewJob {
  if (bytes > LIMITS.specBytes) {
    const message = `the submit has ${formatSize(bytes)}; at most ${formatSize(LIMITS.specBytes)} are allowed. Put data into files of the submitted folder, and repetition into a map`;
    throw new WeftError("too_large", message);
  }
  if (!request.pipeline) throw new WeftError("invalid", "the submit has no pipeline");
  const canonical = fromProto(request.pipeline);
  if (!canonical.ok) throw problems(request.pipeline.name, canonical.issues);
  // Registering triggers is TriggerService's; a job is started, and starts nothing.
  const { triggers: _, ...own } = canonical.spec;
  const project = readProject(request.project, own.project);
  const priority = readPriority(request.priority ?? own.priority);
  const issues: Issue[] = [];
  const concurrency = readConcurrency(request, own, issues);
  const spec = { ...own, project, priority, ...(concurrency ? { concurrency } : {}) };
  const given = readParams(request, issues);
  const bound = bindParams(spec, given);
  if (!bound.ok) issues.push(...bound.issues);
  if (!bound.ok || issues.length > 0) throw problems(spec.name, issues);
  checkKey(request.idempotencyKey);
  checkLength("trigger", request.trigger, TRIGGER_LENGTH_MAX);
  return {
    id,
    spec,
    params: bound.params,
    code: readCode(request),
    priority,
    trigger: request.trigger === "" ? "manual" : request.trigger,
    idempotencyKey: request.idempotencyKey === "" ? null : request.idempotencyKey,
  };
}

/** Instead of the pipeline's own. */
function readConcurrency(
  request: SubmitRequest__Output,
  spec: { readonly params: object },
  issues: Issue[],
): Concurrency | undefined {
  const concurrency = concurrencyFromProto(request.concurrency, issues);
  const add = (path: readonly (string | number)[], message: string): number => issues.push({ path, message });
  if (concurrency) checkConcurrency(concurrency, Object.keys(spec.params), add);
  return concurrency;
}

export function checkKey(key: string): void {
  checkLength("idempotency_key", key, IDEMPOTENCY_KEY_LENGTH_MAX);
  if (!key.startsWith(TRIGGER_KEY_PREFIX)) return;
  throw new WeftError(
    "invalid",
    `an idempotency key may not begin with "${TRIGGER_KEY_PREFIX}": triggers use such keys`,
  );
}

function readParams(request: SubmitRequest__Output, issues: Issue[]): Record<string, Scalar> {
  const params: Record<string, Scalar> = {};
  for (const [name, value] of Object.entries(request.params)) {
    const scalar = fromProtoValue(value);
    if (scalar !== undefined) params[name] = scalar;
    else {
      const message = `parameter "${name}" holds a list or an object; a string, a number, true, false or null would be right`;
      issues.push({ path: ["params", name], message });
    }
  }
  return params;
}

function readProject(name: string, own: string): string {
  if (name === "" || NAME.test(name)) return name || own;
  throw new WeftError("invalid", `"${name}" is no name of a project; a letter, then letters, digits, - and _`);
}

function readPriority(priority: number): number {
  if (Math.abs(priority) <= PRIORITY_MAX) return priority;
  throw new WeftError(
    "invalid",
    `priority ${priority} is out of range; -${PRIORITY_MAX} to ${PRIORITY_MAX} are allowed`,
  );
}

function readCode({ code }: SubmitRequest__Output): Code | null {
  if (!code || code.digest === "") return null;
  const { digest, commit, dirty, branch, remote, diff, diffBytes } = code;
  checkLength("code.branch", branch, CODE_ORIGIN_LENGTH_MAX);
  checkLength("code.remote", remote, CODE_ORIGIN_LENGTH_MAX);
  if (!Number.isSafeInteger(diffBytes) || diffBytes < 0)
    throw new WeftError("invalid", `code.diff_bytes is ${diffBytes}; it must be a whole number of bytes`);
  return {
    digest: readDigest("code.digest", digest),
    commit: commit === "" ? null : commit,
    dirty,
    ...(branch === "" ? {} : { branch }),
    ...(remote === "" ? {} : { remote }),
    ...(diff === "" ? {} : { diff: { digest: readDigest("code.diff", diff), bytes: diffBytes } }),
  };
}

function readDigest(what: string, text: string): Digest {
  if (isDigest(text)) return text;
  throw new WeftError("invalid", `${what} is "${text}"; it must be sha256: and 64 hex digits`);
}

function checkLength(what: string, text: string, max: number): void {
  if (text.length <= max) return;
  throw new WeftError("invalid", `${what} has ${text.length} characters; at most ${max} are allowed`);
}

function problems(pipeline: string, issues: readonly Issue[]): WeftError {
  const name = pipeline === "" ? "the pipeline" : `pipeline "${pipeline}"`;
  const count = issues.length === 1 ? "cannot be accepted" : `has ${issues.length} problems`;
  return withIssues("invalid", `${name} ${count}`, issues);
}
