import { createHmac } from "node:crypto";
import type { ApplyTriggersResponse__Output } from "../../proto/gen/weft/v1/ApplyTriggersResponse.ts";
import type { Job__Output } from "../../proto/gen/weft/v1/Job.ts";
import type { Trigger__Output } from "../../proto/gen/weft/v1/Trigger.ts";
import { toProto } from "../../lib/core/pipeline/canonical.ts";
import { readPipeline } from "../../lib/core/pipeline/yaml.ts";
import { weftServices } from "../../proto/channel.ts";
import type { Peer } from "../../lib/grpc.ts";
import { JOBS } from "./server.ts";

export const TRIGGERS = weftServices().TriggerService.service;
export const NOTIFICATIONS = weftServices().NotificationService.service;

/** Registers the triggers of a weft.yaml without a folder. */
export async function apply(peer: Peer, yaml: string): Promise<ApplyTriggersResponse__Output> {
  const read = readPipeline(yaml, "weft.yaml");
  if (!read.ok) throw new Error(read.issues.map(({ message }) => message).join("\n"));
  return peer.unary(TRIGGERS.Apply, { submit: { pipeline: toProto(read.spec) } });
}

export function getTrigger(peer: Peer, name: string): Promise<Trigger__Output> {
  return peer.unary(TRIGGERS.Get, { name, firings: 1000 });
}

/** Oldest first. */
export async function jobsOf(peer: Peer, pipeline: string): Promise<Job__Output[]> {
  const { jobs } = await peer.unary(JOBS.List, { pipeline, limit: 1000 });
  return jobs.toReversed();
}

export interface Sent {
  readonly status: number;
  readonly body: {
    state?: string;
    job?: string;
    event?: string;
    reason?: string;
    existing?: boolean;
    error?: { code: string; message: string };
  };
}

export async function post(port: number, path: string, body: string, headers: Record<string, string>): Promise<Sent> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: response.status, body: (await response.json()) as Sent["body"] };
}

/** As Standard Webhooks sign. */
export function signed(secret: string, id: string, body: string, atMs = Date.now()): Record<string, string> {
  const seconds = Math.floor(atMs / 1000);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": String(seconds), "webhook-signature": `v1,${signature}` };
}
