import { createHash } from "node:crypto";
import type { JobId } from "../../lib/core/ids.ts";
import { weftServices } from "../../proto/channel.ts";
import type { SubmitRequest__Output } from "../../proto/gen/weft/v1/SubmitRequest.ts";
import { readSubmit } from "../api/submit.ts";
import type { NewJob } from "../core/index.ts";

const NO_ID = "" as JobId;

/** What each firing submits, as it is stored: without its triggers, and without what each firing has of its own. */
export function encodeSubmit(request: SubmitRequest__Output): { submit: Buffer; digest: string } {
  const pipeline = request.pipeline && { ...request.pipeline, triggers: [] };
  const { requestSerialize } = weftServices().JobService.service.Submit;
  const submit = requestSerialize({ ...request, pipeline, idempotencyKey: "", trigger: "" });
  return { submit, digest: createHash("sha256").update(submit).digest("hex") };
}

/** The job of a firing, to be given its id, parameters and key. Throws `invalid` when this server cannot accept it any more. */
export function decodeSubmit(submit: Buffer): NewJob {
  return readSubmit(requestOf(submit), submit.length, NO_ID);
}

export function requestOf(submit: Buffer): SubmitRequest__Output {
  return weftServices().JobService.service.Submit.requestDeserialize(submit) as SubmitRequest__Output;
}
