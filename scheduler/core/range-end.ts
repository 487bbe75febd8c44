import { endInRange, gatherEnds, isPlainEnd, sliceRange } from "../../lib/core/alike.ts";
import type { EndedRangeReport, EndedReport } from "../../lib/core/dispatch.ts";
import { type NodeId, parseAttemptKey } from "../../lib/core/ids.ts";
import { learnRunTime, onAttemptEnded, startJob } from "./attempt.ts";
import type { Answer } from "./event.ts";
import { countTaskEnded, followTask } from "./flow.ts";
import { RANGES_AT_NODE_MAX } from "./limit.ts";
import { breakRange, cutOut, rangeOf } from "./range.ts";
import { addSpan } from "./span.ts";
import type { Range, State } from "./state.ts";

/** One that ended as a range would, leaves it alone and not the others; any other end is an instance's own. */
export function onEnded(state: State, node: NodeId, report: EndedReport, nowMs: number): Answer {
  const ranges = state.nodes.get(node)?.ranges.size ?? 0;
  if (ranges === 0 || ranges > RANGES_AT_NODE_MAX || !isPlainEnd(report))
    return onAttemptEnded(state, node, report, nowMs);
  return onRangeEnded(state, node, gatherEnds([report]), nowMs);
}

/** Attempts that ended alike. Those that are in no range any more end one by one, and those that are stale are dropped. */
export function onRangeEnded(state: State, node: NodeId, report: EndedRangeReport, nowMs: number): Answer {
  const first = parseAttemptKey(report.key)!;
  const count = report.startedAtMs.length;
  const of = state.nodes.get(node);
  let stale = 0;
  for (let i = 0; i < count;) {
    let range = of && rangeOf(of, { ...first, index: first.index + i });
    if (range && state.out.ranges.has(range)) {
      // It has not even been sent.
      breakRange(state, range);
      range = undefined;
    }
    const to = range ? Math.min(count, range.to - first.index) : i + 1;
    if (range) endInPart(state, range, sliceRange(report, i, to), nowMs);
    else if (onAttemptEnded(state, node, endInRange(report, i), nowMs).kind === "stale") stale += 1;
    i = to;
  }
  return stale === 0 ? { kind: "done" } : { kind: "stale", count: stale };
}

/** `report` is about some of the range, from its first index on. */
function endInPart(state: State, range: Range, report: EndedRangeReport, nowMs: number): void {
  const { task } = range;
  const { index: from } = parseAttemptKey(report.key)!;
  const count = report.startedAtMs.length;
  const to = from + count;
  const startedAtMs = report.startedAtMs.reduce((least, atMs) => Math.min(least, atMs), Infinity);
  startJob(state, task.job, startedAtMs);
  for (let i = 0; i < count; i += 1) learnRunTime(task, report.endedAtMs[i]! - report.startedAtMs[i]!);
  state.out.rangesEnded.push({ range: { ...range, from, to }, report, atMs: nowMs });
  cutOut(state, range, from, to);
  task.done = addSpan(task.done, from, to);
  task.ended += count;
  task.succeeded += count;
  if (countTaskEnded(state, task, nowMs)) followTask(state, task, nowMs);
}
