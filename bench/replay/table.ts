import Table from "cli-table3";
import type { Figures } from "./figures.ts";

/** The figures as people compare them: a line a policy. */
export function tableOf(figures: readonly Figures[]): string {
  const table = new Table({
    head: HEAD,
    style: { head: [], border: [] },
    colAligns: HEAD.map((_, i) => (i === 0 ? "left" : "right")),
  });
  for (const one of figures) {
    table.push([
      one.policy,
      percent(one.gpuUtilisation),
      one.gpuUtilisationWhileWaiting === null ? "-" : percent(one.gpuUtilisationWhileWaiting),
      [one.waitMeanSeconds, one.waitP50Seconds, one.waitP99Seconds].map(duration).join("\n"),
      [one.jobCompletionMeanSeconds, one.jobCompletionP50Seconds, one.jobCompletionP99Seconds].map(duration).join("\n"),
      duration(one.makespanSeconds),
      percent(one.fragmentation),
      one.fairnessJain.toFixed(3),
      one.preemptions,
      `${one.roundP50Ms.toFixed(3)}\n${one.roundP99Ms.toFixed(3)} ms`,
      `${one.wallSeconds.toFixed(1)} s`,
    ]);
  }
  return table.toString();
}

const HEAD = [
  "policy",
  "GPUs\nallocated",
  "while\nsome wait",
  "wait mean\np50\np99",
  "completion\nmean, p50\np99",
  "makespan",
  "frag-\nmentation",
  "fairness\n(Jain)",
  "preemp-\ntions",
  "round\np50, p99",
  "wall",
];

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** Three significant digits in the largest unit that gives at least 1. */
export function duration(seconds: number): string {
  for (const [unit, length] of UNITS)
    if (seconds >= length) return `${Number((seconds / length).toPrecision(3))} ${unit}`;
  return `${Number(seconds.toPrecision(3))} s`;
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;
