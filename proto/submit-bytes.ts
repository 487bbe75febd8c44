import type { PipelineSpec } from "./gen/weft/v1/PipelineSpec.ts";
import type { SubmitRequest, SubmitRequest__Output } from "./gen/weft/v1/SubmitRequest.ts";
import type { TaskSpec } from "./gen/weft/v1/TaskSpec.ts";
import type { TaskSpec__Output } from "./gen/weft/v1/TaskSpec.ts";
import { packageDefinition } from "./channel.ts";
import { delimitedTag, varintBytes, type WireField, wireFields, writeHead } from "./wire.ts";

/**
 * Large pipelines are mostly tasks that differ in name and needs only. What they have in common is read and written once here; the
 * bytes are those that any protobuf library writes and reads. Less is not worth it.
 */
const TASKS_MIN = 16;

/** Of job.proto and pipeline.proto. */
const PIPELINE = delimitedTag(1);
const TASKS = delimitedTag(3);
const TASK_NAME = delimitedTag(1);
const TASK_NEEDS = delimitedTag(4);

/** Reads a submit as `read` does, and shares between tasks what is the same of them. What is not as usual is left to `read` alone. */
export function readSharing(read: (bytes: Buffer) => object): (bytes: Buffer) => object {
  return (bytes) => {
    const parted = part(bytes);
    if (!parted) return read(bytes);
    const request = read(parted.bytes) as SubmitRequest__Output;
    const templates = request.pipeline!.tasks;
    const tasks = parted.tasks.map(({ template, name, needs }): TaskSpec__Output => ({
      ...templates[template]!,
      name,
      needs,
    }));
    return { ...request, pipeline: { ...request.pipeline, tasks } };
  };
}

interface Parted {
  /** The message, with each task that is alike once, without name and needs. */
  readonly bytes: Buffer;
  readonly tasks: readonly {
    /** Its place among those. */
    readonly template: number;
    readonly name: string;
    readonly needs: string[];
  }[];
}

/** Undefined: it is not worth it, or not as usual. */
function part(bytes: Buffer): Parted | undefined {
  const outer = fieldsOf("SubmitRequest", bytes, 0, bytes.length);
  const [pipeline, ...more] = outer?.filter((field) => field.tag === PIPELINE) ?? [];
  const inner =
    pipeline && more.length === 0 ? fieldsOf("PipelineSpec", bytes, pipeline.from, pipeline.end) : undefined;
  if (!pipeline || !inner || inner.length < TASKS_MIN) return undefined;
  const places = new Map<string, number>();
  const tasks: Parted["tasks"][number][] = [];
  for (const field of inner) {
    if (field.tag !== TASKS) continue;
    const parts = partTask(bytes, field.from, field.end);
    if (!parts) return undefined;
    const { name, needs, rest } = parts;
    let template = places.get(rest);
    if (template === undefined) places.set(rest, (template = places.size));
    tasks.push({ template, name, needs });
  }
  // Nothing is gained where most are unlike.
  if (places.size > tasks.length / 2) return undefined;
  const others = inner.filter((field) => field.tag !== TASKS).map(({ start, end }) => bytes.subarray(start, end));
  const templates = Array.from(places.keys(), (rest) => delimited(TASKS, Buffer.from(rest, "latin1")));
  const parts = [
    bytes.subarray(0, pipeline.start),
    delimited(PIPELINE, Buffer.concat([...others, ...templates])),
    bytes.subarray(pipeline.end),
  ];
  return { bytes: Buffer.concat(parts), tasks };
}

/** `rest`: the bytes of all other fields, one a character; a message of its own. */
function partTask(bytes: Buffer, start: number, end: number) {
  const fields = fieldsOf("TaskSpec", bytes, start, end);
  if (!fields) return undefined;
  let name = "";
  const needs: string[] = [];
  let rest = "";
  let from = start;
  for (const field of fields) {
    const { tag } = field;
    if (tag !== TASK_NAME && tag !== TASK_NEEDS) continue;
    if (field.start > from) rest += bytes.toString("latin1", from, field.start);
    from = field.end;
    const text = bytes.toString("utf8", field.from, field.end);
    if (tag === TASK_NAME) name = text;
    else needs.push(text);
  }
  if (end > from) rest += bytes.toString("latin1", from, end);
  return { name, needs, rest };
}

type MessageName = "SubmitRequest" | "PipelineSpec" | "TaskSpec";

/**
 * Undefined also where a known field is of another type on the wire than it is declared: the library reads it as declared, and so
 * finds other fields behind it.
 */
function fieldsOf(message: MessageName, bytes: Buffer, from: number, to: number): WireField[] | undefined {
  const declared = wireTypesOf(message);
  const fields = wireFields(bytes, from, to);
  return fields?.every(({ tag }) => (declared.get(tag >>> 3) ?? tag & 7) === (tag & 7)) ? fields : undefined;
}

const wireTypes = new Map<MessageName, ReadonlyMap<number, number>>();

/** By number of the field. */
function wireTypesOf(message: MessageName): ReadonlyMap<number, number> {
  let types = wireTypes.get(message);
  if (!types) {
    const { type } = packageDefinition()[`weft.v1.${message}`] as { readonly type: DeclaredMessage };
    types = new Map(type.field.map((field) => [field.number, WIRE_TYPES[field.type] ?? VARINT]));
    wireTypes.set(message, types);
  }
  return types;
}

interface DeclaredMessage {
  readonly field: readonly { readonly number: number; readonly type: string }[];
}

const VARINT = 0;
/** Of those that are no varints. */
const WIRE_TYPES: Readonly<Record<string, number>> = {
  TYPE_STRING: 2,
  TYPE_BYTES: 2,
  TYPE_MESSAGE: 2,
  TYPE_DOUBLE: 1,
  TYPE_FIXED64: 1,
  TYPE_SFIXED64: 1,
  TYPE_FLOAT: 5,
  TYPE_FIXED32: 5,
  TYPE_SFIXED32: 5,
};

function delimited(tag: number, content: Buffer): Buffer {
  const head = Buffer.alloc(1 + varintBytes(content.length));
  writeHead(head, 0, tag, content.length);
  return Buffer.concat([head, content]);
}

/** Writes a submit as `write` does, but what many tasks have in common only once. */
export function writeSharing(write: (request: SubmitRequest) => Buffer): (request: SubmitRequest) => Buffer {
  return (request) => {
    const { pipeline } = request;
    const tasks = pipeline?.tasks ?? [];
    if (!pipeline || tasks.length < TASKS_MIN) return write(request);
    const { templates, places } = templatesOf(tasks);
    if (templates.length > tasks.length / 2) return write(request);
    const rests = restsOf(templates, write);
    const head = pipelineBytes({ ...pipeline, tasks: [] }, write);
    return rests && head ? joined(write({ ...request, pipeline: null }), head, tasks, places, rests) : write(request);
  };
}

type Rest = Omit<TaskSpec, "name" | "needs">;

/** The different ones among the tasks, and for each task its place there. */
function templatesOf(tasks: readonly TaskSpec[]): { readonly templates: Rest[]; readonly places: number[] } {
  const templates: Rest[] = [];
  let last = -1;
  const places = tasks.map((task) => {
    // Most are like the one before; others that come again are looked for among few.
    if (last >= 0 && isSameRest(task, templates[last]!)) return last;
    last = templates.slice(-TEMPLATES_LOOKED_AT).findIndex((template) => isSameRest(task, template));
    if (last >= 0) return (last += Math.max(0, templates.length - TEMPLATES_LOOKED_AT));
    const { name: _name, needs: _needs, ...rest } = task;
    templates.push(rest);
    return (last = templates.length - 1);
  });
  return { templates, places };
}

const TEMPLATES_LOOKED_AT = 8;

function isSameRest(task: TaskSpec, rest: Rest): boolean {
  let keys = 0;
  for (const key in task) {
    if (key === "name" || key === "needs") continue;
    keys += 1;
    if (!isSameAt(task, rest, key)) return false;
  }
  for (const _ in rest) keys -= 1;
  return keys === 0;
}

/** What is not there is not what is there and undefined: keys are counted. */
function isSameAt(a: object, b: object, key: string): boolean {
  const value = (a as Record<string, unknown>)[key];
  return isSame(value, (b as Record<string, unknown>)[key]) && (value !== undefined || key in b);
}

/** Of plain values; others are the same only when they are one. */
function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const prototype: unknown = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b) || (prototype !== Object.prototype && prototype !== Array.prototype))
    return false;
  let keys = 0;
  for (const key in a) {
    keys += 1;
    if (!isSameAt(a, b, key)) return false;
  }
  for (const _ in b) keys -= 1;
  return keys === 0;
}

function pipelineBytes(pipeline: PipelineSpec, write: (request: SubmitRequest) => Buffer): Buffer | undefined {
  const bytes = write({ pipeline });
  const field = wireFields(bytes, 0, bytes.length)?.find(({ tag }) => tag === PIPELINE);
  return field && bytes.subarray(field.from, field.end);
}

function restsOf(templates: readonly Rest[], write: (request: SubmitRequest) => Buffer): Buffer[] | undefined {
  const bytes = pipelineBytes({ tasks: templates.map((rest) => rest) }, write);
  const fields = bytes && wireFields(bytes, 0, bytes.length)?.filter(({ tag }) => tag === TASKS);
  return fields?.length === templates.length
    ? fields.map(({ from, end }) => Buffer.from(bytes!.subarray(from, end)))
    : undefined;
}

/** `others` and `head`: all of the request but its pipeline, all of the pipeline but its tasks. */
function joined(
  others: Buffer,
  head: Buffer,
  tasks: readonly TaskSpec[],
  places: readonly number[],
  rests: readonly Buffer[],
): Buffer {
  const sizes = new Uint32Array(tasks.length);
  let inner = head.length;
  for (const [i, { name = "", needs }] of tasks.entries()) {
    let size = rests[places[i]!]!.length + fieldBytes(Buffer.byteLength(name));
    for (const need of needs ?? []) size += fieldBytes(Buffer.byteLength(need));
    sizes[i] = size;
    inner += fieldBytes(size);
  }
  const bytes = Buffer.allocUnsafe(others.length + fieldBytes(inner));
  let at = writeHead(bytes, others.copy(bytes), PIPELINE, inner);
  at += head.copy(bytes, at);
  const text = (tag: number, value: string): void => {
    at = writeHead(bytes, at, tag, Buffer.byteLength(value));
    at += bytes.write(value, at);
  };
  for (const [i, { name = "", needs }] of tasks.entries()) {
    at = writeHead(bytes, at, TASKS, sizes[i]!);
    text(TASK_NAME, name);
    for (const need of needs ?? []) text(TASK_NEEDS, need);
    at += rests[places[i]!]!.copy(bytes, at);
  }
  return bytes;
}

function fieldBytes(content: number): number {
  return 1 + varintBytes(content) + content;
}
