import { Counter, Gauge, Histogram } from "prom-client";
import type { Metrics } from "../lib/metrics.ts";

/** From the fastest commit on a good disk to one that hung for a statement's whole time, in seconds. */
const COMMIT_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** One set a process: counters go on when the server leads again. */
export class LoopMetrics {
  readonly batches: Counter;
  readonly events: Counter<"kind">;
  readonly staleReports: Counter;
  readonly malformedReports: Counter;
  readonly commitSeconds: Histogram;
  readonly inboxDepth: Gauge;
  /** Committed assignments that NATS has not confirmed; asked when metrics are read. */
  unsent: () => number = () => 0;
  /** 1 while this server leads. */
  readonly leading: Gauge;

  constructor(registry: Metrics) {
    const registers = [registry];
    this.batches = new Counter({ name: "weft_scheduler_batches_total", help: "Batches committed", registers });
    this.events = new Counter({
      name: "weft_scheduler_events_total",
      help: "Events taken, by kind",
      labelNames: ["kind"] as const,
      registers,
    });
    this.staleReports = new Counter({
      name: "weft_scheduler_stale_reports_total",
      help: "Reports dropped because their attempt was not the current one",
      registers,
    });
    this.malformedReports = new Counter({
      name: "weft_scheduler_malformed_reports_total",
      help: "Reports dropped because they could not be read",
      registers,
    });
    this.commitSeconds = new Histogram({
      name: "weft_scheduler_commit_seconds",
      help: "Time to make a batch durable, with retries",
      buckets: COMMIT_SECONDS,
      registers,
    });
    this.inboxDepth = new Gauge({
      name: "weft_scheduler_inbox_depth",
      help: "Events that wait for the batch being committed",
      registers,
    });
    const unsent = (): number => this.unsent();
    void new Gauge({
      name: "weft_scheduler_unsent_assignments",
      help: "Committed assignments that NATS has not confirmed",
      registers,
      collect() {
        this.set(unsent());
      },
    });
    this.leading = new Gauge({ name: "weft_scheduler_leading", help: "1 while this server leads", registers });
  }
}
