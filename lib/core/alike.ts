import type { Assignment, EndedRangeReport, EndedReport, Report } from "./dispatch.ts";
import { attemptKey, type AttemptRef, parseAttemptKey } from "./ids.ts";

/** The assignments that one message part stands for: itself, or one for each of the instances that are alike. */
export function expandAssignment(assignment: Assignment): Assignment[] {
  const { alike, ...first } = assignment;
  if (!alike) return [assignment];
  const columns = Object.entries(alike.env);
  return Array.from({ length: alike.count }, (_, i) => ({
    ...first,
    ref: { ...first.ref, index: first.ref.index + i },
    env: { ...first.env, ...Object.fromEntries(columns.map(([name, values]) => [name, values[i]!] as const)) },
    run: alike.runs?.[i] ?? first.run,
  }));
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
    report.checkpoint === undefined &&
    report.logBytes.stdout + report.logBytes.stderr === 0
  );
}

/** The same reports in fewer: plain ends of neighbouring instances together, behind all others, which keep their order. */
export function gatherReports(reports: readonly Report[]): (Report | EndedRangeReport)[] {
  const gathered: (Report | EndedRangeReport)[] = [];
  const plain = new Map<string, { readonly ref: AttemptRef; readonly report: PlainEnd }[]>();
  for (const report of reports) {
    const ref = isPlainEnd(report) ? parseAttemptKey(report.key) : undefined;
    if (!isPlainEnd(report) || !ref) {
      gathered.push(report);
      continue;
    }
    const group = `${ref.job}.${ref.task}.${ref.attempt}.${report.usage.source}.${report.environmentDigest}`;
    const ends = plain.get(group);
    if (ends) ends.push({ ref, report });
    else plain.set(group, [{ ref, report }]);
  }
  for (const ends of plain.values()) {
    ends.sort((a, b) => a.ref.index - b.ref.index);
    for (let from = 0; from < ends.length;) {
      let to = from + 1;
      while (to < ends.length && ends[to]!.ref.index === ends[from]!.ref.index + to - from) to += 1;
      gathered.push(
        to - from === 1 ? ends[from]!.report : gatherEnds(ends.slice(from, to).map(({ report }) => report)),
      );
      from = to;
    }
  }
  return gathered;
}

/** Of neighbours, in order, with the same attempt, source of usage and environment. */
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

/** The i-th end of a range, as it would have been told alone. */
export function endInRange(range: EndedRangeReport, i: number): EndedReport {
  const first = parseAttemptKey(range.key)!;
  return {
    kind: "ended",
    key: attemptKey({ ...first, index: first.index + i }),
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
    key: attemptKey({ ...first, index: first.index + from }),
    startedAtMs: range.startedAtMs.slice(from, to),
    endedAtMs: range.endedAtMs.slice(from, to),
    cpuMs: range.cpuMs.slice(from, to),
    peakMemoryBytes: range.peakMemoryBytes.slice(from, to),
  };
}
