import { spawn } from "node:child_process";
import pg from "pg";
import { connectNats } from "../lib/nats.ts";
import type { Cluster } from "./cluster.ts";
import { median, sample } from "./sample.ts";

/** What no scheduler on this machine can be faster than; medians, in milliseconds, taken from idle servers. */
export interface Floor {
  /** One row, one transaction, on disk. */
  readonly commitMs: number;
  /** Request and answer between two connections. */
  readonly natsRoundTripMs: number;
  /** Until the child exists. */
  readonly spawnMs: number;
  /** Until `true` has ended and its parent knows. */
  readonly processMs: number;
}

const SAMPLES = 200;

export async function measureFloor(cluster: Cluster): Promise<Floor> {
  return {
    commitMs: await measureCommit(cluster.databaseUrl),
    natsRoundTripMs: await measureRoundTrip(cluster.natsUrl),
    spawnMs: median(await sample(SAMPLES, () => untilEvent("spawn"))),
    processMs: median(await sample(SAMPLES, () => untilEvent("exit"))),
  };
}

async function measureCommit(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("create table bench_floor (id bigserial primary key, at timestamptz not null default now())");
    const samples = await sample(SAMPLES, () => client.query("insert into bench_floor default values"));
    await client.query("drop table bench_floor");
    return median(samples);
  } finally {
    await client.end();
  }
}

async function measureRoundTrip(url: string): Promise<number> {
  const [asks, answers] = await Promise.all([connectNats({ url, name: "bench" }), connectNats({ url, name: "bench" })]);
  try {
    answers.subscribe("bench.floor", { callback: (_error, message) => void message.respond(message.data) });
    await answers.flush();
    return median(await sample(SAMPLES, () => asks.request("bench.floor", "x")));
  } finally {
    await Promise.all([asks.close(), answers.close()]);
  }
}

/** Children are in a session of their own, as attempts are. */
function untilEvent(event: "spawn" | "exit"): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("true", [], { detached: true, stdio: "ignore" });
    child.once("error", reject);
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    if (event === "exit") void ended.then(resolve);
    // The next sample must not share the machine with the end of this one.
    else child.once("spawn", () => void ended.then(resolve));
  });
}
