import { randomUUID } from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { WeftError } from "../lib/core/error.ts";
import type { NodeId } from "../lib/core/ids.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The node's id, made at its first start. Error: `corrupt` when node.json holds none; a new id would orphan what runs. */
export async function nodeIdentity(dir: string): Promise<NodeId> {
  const path = join(dir, "node.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return create(path);
  }
  const id = idIn(text);
  if (id === undefined)
    throw new WeftError("corrupt", `${path} holds no node id; restore it, or delete the folder to start as a new node`);
  return id;
}

async function create(path: string): Promise<NodeId> {
  const nodeId = randomUUID() as string as NodeId;
  const file = await open(`${path}.new`, "w");
  await file.writeFile(`${JSON.stringify({ nodeId })}\n`);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
  return nodeId;
}

function idIn(text: string): NodeId | undefined {
  try {
    const { nodeId } = JSON.parse(text) as { nodeId?: string };
    return nodeId !== undefined && UUID.test(nodeId) ? (nodeId as NodeId) : undefined;
  } catch {
    return undefined;
  }
}
