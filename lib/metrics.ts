import { collectDefaultMetrics, Registry } from "prom-client";

export type Metrics = Registry;

/** A registry of its own, so that two servers in one process (tests) do not share counters. */
export function openMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.processMetrics ?? true) collectDefaultMetrics({ register: registry });
  return registry;
}
