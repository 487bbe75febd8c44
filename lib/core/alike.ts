import type { Assignment, EndedRangeReport, EndedReport, Report } from "./dispatch.ts";
import { attemptKey, type AttemptKey, type AttemptRef, parseAttemptKey } from "./ids.ts";

/** The assignments that one message part stands for: itself, or one for each of the instances that are alike. */
export function expandAssignment(assignment: Assignment): Assignment[] {
  const { alike, ...first } = assignment;
  if (!alike) return [assignment];
  const columns = Object.entries(alike.env);
  return Array.from({ length: alike.count }, (_, i) => ({
    ...first,
    ref: refAt(first.ref, alike.tasks, i),
    env: { ...first.env, ...Object.fromEntries(columns.map(([name, values]) => [name, values[i]!] as const)) },
    run: alike.runs?.[i] ?? first.run,
  }));
}

/** Of the i-th of many that are told together. */
export function refAt(first: AttemptRef, tasks: readonly string[] | undefined, i: number): AttemptRef {
  return tasks ? { ...first, task: tasks[i]! } : { ...first, index: first.index + i };
}

export type PlainEnd = EndedReport & { readonly startedAtMs: number };

/** Whether the end can be told together with those of the instances beside it: nothing but times and usage differs. */
export function isPlainEnd(report: Report): report is PlainEnd {
  return (
    report.kind === "ended" &&
    report.outcome.kind === "succeeded" &&
    report.message === "" &&
    report.startedAtMs !== null &&
    report.exitCode === 0 &&
    report.signal === null &&
    report.outputs.length === 0 &&
    report.result === undefined &&
    report.reads === undefined &&
    report.checkpoint === undefined &&
    report.logBytes.stdout + report.logBytes.stderr === 0
  );
}

/** Tasks whose ends are told together: fewer save nothing. */
const TASKS_TOGETHER_MIN = 4;

interface Told {
  readonly ref: AttemptRef;
  readonly report: PlainEnd;
}

/**
 * The same reports in fewer: plain ends of neighbouring instances together, and of several tasks of a job, behind all others,
 * which keep their order.
 */
export function gatherReports(reports: readonly Report[]): (Report | EndedRangeReport)[] {
  const gathered: (Report | EndedRangeReport)[] = [];
  const plain = new Map<string, Told[]>();
  for (const report of reports) {
    const ref = isPlainEnd(report) ? parseAttemptKey(report.key) : undefined;
    if (!isPlainEnd(report) || !ref) {
      gathered.push(report);
      continue;
    }
    addTo(plain, `${ref.job}.${ref.task}.${ref.attempt}.${report.usage.source}.${report.environmentDigest}`, {
      ref,
      report,
    });
  }
  const lone = new Map<string, Told[]>();
  for (const ends of plain.values()) {
    for (const neighbours of neighboursIn(ends)) {
      const [{ ref, report }] = neighbours;
      if (neighbours.length > 1) gathered.push(gatherEnds(neighbours.map((told) => told.report)));
      else
        addTo(
          lone,
          `${ref.job}.${ref.index}.${ref.attempt}.${report.usage.source}.${report.environmentDigest}`,
          neighbours[0],
        );
    }
  }
  for (const ends of lone.values()) {
    if (ends.length < TASKS_TOGETHER_MIN) gathered.push(...ends.map(({ report }) => report));
    else gathered.push({ ...gatherEnds(ends.map(({ report }) => report)), tasks: ends.map(({ ref }) => ref.task) });
  }
  return gathered;
}

function addTo(groups: Map<string, Told[]>, group: string, told: Told): void {
  const ends = groups.get(group);
  if (ends) ends.push(told);
  else groups.set(group, [told]);
}

/** Ends of one task in runs of neighbours, in order. */
function neighboursIn(ends: Told[]): [Told, ...Told[]][] {
  if (ends.length > 1) ends.sort((a, b) => a.ref.index - b.ref.index);
  const runs: [Told, ...Told[]][] = [];
  for (const told of ends) {
    const run = runs.at(-1);
    if (run && run[0].ref.index + run.length === told.ref.index) run.push(told);
    else runs.push([told]);
  }
  return runs;
}

/** In order, with the same attempt, source of usage and environment; neighbours, unless `tasks` is added. */
export function gatherEnds(ends: readonly PlainEnd[]): EndedRangeReport {
  const [first] = ends;
  return {
    kind: "endedRange",
    key: first!.key,
    startedAtMs: ends.map(({ startedAtMs }) => startedAtMs),
    endedAtMs: ends.map(({ endedAtMs }) => endedAtMs),
    cpuMs: ends.map(({ usage }) => usage.cpuMs),
    peakMemoryBytes: ends.map(({ usage }) => usage.peakMemoryBytes),
    usageSource: first!.usage.source,
    environmentDigest: first!.environmentDigest,
  };
}

/** Of the attempts that it tells of, in order. */
export function keysOf(range: EndedRangeReport): AttemptKey[] {
  const first = parseAttemptKey(range.key)!;
  return range.startedAtMs.map((_, i) => attemptKey(refAt(first, range.tasks, i)));
}

/** The i-th end of a range, as it would have been told alone. */
export function endInRange(range: EndedRangeReport, i: number): EndedReport {
  const first = parseAttemptKey(range.key)!;
  return {
    kind: "ended",
    key: attemptKey(refAt(first, range.tasks, i)),
    outcome: { kind: "succeeded" },
    message: "",
    startedAtMs: range.startedAtMs[i]!,
    endedAtMs: range.endedAtMs[i]!,
    exitCode: 0,
    signal: null,
    usage: {
      cpuMs: range.cpuMs[i]!,
      peakMemoryBytes: range.peakMemoryBytes[i]!,
      source: range.usageSource,
    },
    outputs: [],
    environmentDigest: range.environmentDigest,
    logBytes: { stdout: 0, stderr: 0 },
  };
}

/** Every report alone. */
export function spreadReports(reports: readonly (Report | EndedRangeReport)[]): Report[] {
  return reports.flatMap((report): Report[] =>
    report.kind === "endedRange" ? report.startedAtMs.map((_, i) => endInRange(report, i)) : [report],
  );
}

/** Ends [from, to) of a range, as a range of their own. */
export function sliceRange(range: EndedRangeReport, from: number, to: number): EndedRangeReport {
  if (from === 0 && to === range.startedAtMs.length) return range;
  const first = parseAttemptKey(range.key)!;
  return {
    ...range,
    key: attemptKey(refAt(first, range.tasks, from)),
    ...(range.tasks ? { tasks: range.tasks.slice(from, to) } : {}),
    startedAtMs: range.startedAtMs.slice(from, to),
    endedAtMs: range.endedAtMs.slice(from, to),
    cpuMs: range.cpuMs.slice(from, to),
    peakMemoryBytes: range.peakMemoryBytes.slice(from, to),
  };
}
