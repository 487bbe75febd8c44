import type { FastifyRequest } from "fastify";
import { ATTEMPT_TOKEN_PREFIX } from "../../lib/task-run.ts";
import { parseAttemptKey } from "../../lib/core/ids.ts";
import type { Actor } from "./parts.ts";

const USER_CHARS_MAX = 200;

/**
 * The user that the client names (MLFLOW_TRACKING_USERNAME), or the task that it runs in; there are no accounts yet that it could be
 * held against.
 */
export function actorOf(request: FastifyRequest): Actor {
  const attempt = attemptOf(request);
  if (attempt !== "") return `task ${attempt}`;
  const basic = /^Basic\s+([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (basic === undefined) return "";
  const [user = ""] = Buffer.from(basic, "base64").toString("utf8").split(":");
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  return user.replaceAll(/[\u0000-\u001f]/g, "").slice(0, USER_CHARS_MAX);
}

/** `job.task.index.attempt` of the task that asks; empty: none. */
export function attemptOf(request: FastifyRequest): string {
  const token = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const key = token.startsWith(ATTEMPT_TOKEN_PREFIX) ? token.slice(ATTEMPT_TOKEN_PREFIX.length) : "";
  return parseAttemptKey(key) ? key : "";
}
