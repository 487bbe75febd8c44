import { pipeline, type PipelineBuilder } from "../../sdk/index.ts";
import { figure, type Row } from "../figure.ts";
import { measureFloor } from "../floor.ts";
import { median, quantile } from "../sample.ts";

const STEPS = 100;
const JOBS = 3;

export const chain100: Row = {
  name: "chain-100",
  about: "100 tasks that each need the one before, `true` in each: from one start to the next",
  run: async (bench) => {
    const cluster = await bench.cluster({ agentCpus: 2 });
    const { commitMs, natsRoundTripMs, processMs } = await measureFloor(cluster);
    const steps: number[] = [];
    // The first job warms up.
    for (let i = 0; i <= JOBS; i += 1) {
      const { id } = await cluster.client.submit(chain());
      const job = await cluster.client.wait(id);
      if (job.state !== "succeeded") throw new Error(`job ${id} ${job.state}: ${job.reason ?? ""}`);
      const starts = job.tasks.map((task) => task.startedAt!.getTime()).toSorted((a, b) => a - b);
      if (i > 0) steps.push(...starts.slice(1).map((at, n) => at - starts[n]!));
    }
    const floor = {
      unit: "ms",
      reference: "`true` from spawn to exit + one Postgres commit + one NATS round trip (p50 each)",
      referenceValue: processMs + commitMs + natsRoundTripMs,
    };
    return [
      figure({ row: "chain-100 p50", value: median(steps), ...floor }, { compare: "≤", limit: 6, of: "value" }),
      figure(
        { row: "chain-100 p95", value: quantile(steps, 0.95), ...floor },
        { compare: "≤", limit: 15, of: "value" },
      ),
    ];
  },
};

function chain(): PipelineBuilder<string, string> {
  let built: PipelineBuilder<string, string> = pipeline("bench-chain");
  for (let i = 0; i < STEPS; i += 1)
    built = built.task(`step-${i}`, { run: ["true"], needs: i === 0 ? [] : [`step-${i - 1}`] });
  return built;
}
