import { WeftError } from "../../lib/core/error.ts";
import type { PipelineSpec } from "../../lib/core/pipeline/spec.ts";
import type { InstanceRange } from "../../proto/gen/weft/v1/InstanceRange.ts";
import type { Task as TaskProto } from "../../proto/gen/weft/v1/Task.ts";

/**
 * Entries of one answer: instances, and ranges of them. An instance is 100 to 300 bytes and a range 100, so this many stay under the 16 MiB
 * a message may have.
 */
export const ENTRIES_PER_PAGE_MAX = 30_000;

export interface Page {
  readonly tasks: TaskProto[];
  readonly resting: InstanceRange[];
  /** Where the next page begins; empty: this is the last. */
  readonly nextPageToken: string;
}

/**
 * The part of a job's instances that begins where the token says. `all` are in the order of the pipeline. With `inRanges` neighbours that
 * have not run stand together as one entry.
 */
export function pageOf(
  all: Iterable<TaskProto>,
  spec: PipelineSpec,
  pageToken: string,
  inRanges: boolean,
  entriesMax = ENTRIES_PER_PAGE_MAX,
): Page {
  const from = readToken(pageToken, spec);
  const places = new Map(spec.tasks.map(({ name }, place) => [name, place]));
  const tasks: TaskProto[] = [];
  const resting: InstanceRange[] = [];
  let last: InstanceRange | undefined;
  for (const task of all) {
    const [name, index] = [task.name!, task.index!];
    const place = places.get(name)!;
    if (place < from.place || (place === from.place && index < from.index)) continue;
    if (inRanges && task.attempt === undefined && last?.name === name && last.state === task.state) {
      last.count! += 1;
      continue;
    }
    if (tasks.length + resting.length === entriesMax) return { tasks, resting, nextPageToken: `${place}.${index}` };
    last = undefined;
    if (!inRanges || task.attempt !== undefined) tasks.push(task);
    else resting.push((last = { name, first: index, count: 1, state: task.state!, needs: task.needs ?? [] }));
  }
  return { tasks, resting, nextPageToken: "" };
}

/** PLACE.INDEX: the task's place in the pipeline, and its first instance on the page. */
function readToken(token: string, spec: PipelineSpec): { place: number; index: number } {
  if (token === "") return { place: 0, index: 0 };
  const match = /^(\d{1,7})\.(\d{1,8})$/.exec(token);
  const place = Number(match?.[1]);
  if (match && place < spec.tasks.length) return { place, index: Number(match[2]) };
  throw new WeftError(
    "invalid",
    `"${token}" is no page token of this job; give next_page_token of the last response as it is`,
  );
}
