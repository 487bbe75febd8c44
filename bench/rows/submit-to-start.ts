import { pipeline, type WeftClient } from "../../sdk/index.ts";
import { figure, type Row } from "../figure.ts";
import { measureFloor } from "../floor.ts";
import { epochMs, median, quantile } from "../sample.ts";

const WARM_UP = 20;
const JOBS = 200;

export const submitToStart: Row = {
  name: "submit-to-start",
  about:
    "one task on an idle cluster: from the submit call to the moment its process was started, by the runner's clock",
  run: async (bench) => {
    const cluster = await bench.cluster({ agentCpus: 2 });
    const { commitMs, natsRoundTripMs, spawnMs } = await measureFloor(cluster);
    for (let i = 0; i < WARM_UP; i += 1) await startDelayMs(cluster.client);
    const samples: number[] = [];
    for (let i = 0; i < JOBS; i += 1) samples.push(await startDelayMs(cluster.client));
    const floor = {
      unit: "ms",
      reference: "one Postgres commit + one NATS round trip + one spawn (p50 each)",
      referenceValue: commitMs + natsRoundTripMs + spawnMs,
    };
    return [
      figure({ row: "submit-to-start", value: median(samples), ...floor }),
      figure({ row: "submit-to-start p95", value: quantile(samples, 0.95), ...floor }),
    ];
  },
};

async function startDelayMs(client: WeftClient): Promise<number> {
  const noop = pipeline("bench-one").task("noop", { run: ["true"] });
  const submittedAtMs = epochMs();
  const { id } = await client.submit(noop);
  const job = await client.wait(id);
  const startedAt = job.tasks[0]?.startedAt;
  if (job.state !== "succeeded" || !startedAt) throw new Error(`job ${id} ${job.state}: ${job.reason ?? ""}`);
  return startedAt.getTime() - submittedAtMs;
}
