import type { FastifyRequest } from "fastify";
import type { Actor } from "./parts.ts";

const USER_CHARS_MAX = 200;

/** The user that the client names (MLFLOW_TRACKING_USERNAME); there are no accounts yet that it could be held against. */
export function actorOf(request: FastifyRequest): Actor {
  const basic = /^Basic\s+([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (basic === undefined) return "";
  const [user = ""] = Buffer.from(basic, "base64").toString("utf8").split(":");
  // oxlint-disable-next-line no-control-regex -- they are what is taken out
  return user.replaceAll(/[\u0000-\u001f]/g, "").slice(0, USER_CHARS_MAX);
}
