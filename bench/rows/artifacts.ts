import { execFile } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, openSync, closeSync, rmSync, writeSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Bench } from "../bench.ts";
import { type Figure, figure, type Row } from "../figure.ts";
import { median } from "../sample.ts";
import { createRun } from "../tracking-load.ts";

const MIB = 2 ** 20;
const FILE_MIB = 512;
const REPEATS = 3;
const MAIN = fileURLToPath(new URL("../../cli/main.js", import.meta.url));
const run = promisify(execFile);

export const artifacts: Row = {
  name: "artifacts",
  about: `a file of ${FILE_MIB} MiB up and down, with the command line (checked at both ends, and on disk when it is done) and over MLflow's artifact proxy`,
  run: async (bench) => {
    const { httpUrl, grpc, home } = await bench.cluster();
    const folder = join(home, "files");
    mkdirSync(folder);
    const agent = new http.Agent({ keepAlive: true });
    bench.onEnd(() => agent.destroy());
    const tracked = await createRun(agent, httpUrl);
    const seconds: Record<string, number[]> = {};
    const timed = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      const began = performance.now();
      await work();
      (seconds[name] ??= []).push((performance.now() - began) / 1000);
    };
    for (let turn = 0; turn < REPEATS; turn += 1) {
      const file = join(folder, `made-${turn}`);
      const copy = join(folder, "copy");
      makeFile(file);
      await timed("cp", () => run("cp", [file, copy]));
      await timed("sha256sum", () => run("sha256sum", [file]));
      await timed("sync", () => run("sync", [copy]));
      const weft = (...args: string[]) => run(process.execPath, [MAIN, ...args, "--server", grpc]);
      await timed("weft up", () => weft("data", "add", `bench-${turn}`, file));
      const down = join(folder, "down");
      await timed("weft down", () => weft("data", "checkout", `bench-${turn}`, down));
      const other = join(folder, "other");
      makeFile(other);
      const url = `${httpUrl}/api/2.0/mlflow-artifacts/artifacts/0/${tracked}/artifacts/file-${turn}`;
      await timed("proxy up", () => put(agent, url, other));
      await timed("proxy down", () => fetchTo(agent, url, join(folder, "proxied")));
      await run("cmp", [file, down]);
      await run("cmp", [other, join(folder, "proxied")]);
      for (const path of [file, copy, down, other]) rmSync(path);
    }
    return judge(bench, seconds);
  },
};

function judge(bench: Bench, seconds: Readonly<Record<string, number[]>>): Figure[] {
  const took = (name: string): number => median(seconds[name]!);
  const all = Object.keys(seconds).map((name) => `${name} ${took(name).toFixed(2)} s`);
  bench.say(`  ${all.join(", ")}`);
  const bare = took("cp") + took("sha256sum");
  const reference = `cp and sha256sum of the same file; to sync the copy took ${took("sync").toFixed(2)} s more`;
  return ["weft up", "weft down", "proxy up", "proxy down"].map((name) =>
    figure(
      {
        row: `artifacts: ${name}`,
        unit: "MiB/s",
        value: FILE_MIB / took(name),
        reference,
        referenceValue: FILE_MIB / bare,
      },
      { compare: "≥", limit: 0.7, of: "ratio" },
    ),
  );
}

/** Of bytes that nothing can shorten, and that were never there before. */
function makeFile(path: string): void {
  const file = openSync(path, "w");
  const bytes = Buffer.allocUnsafe(MIB);
  for (let i = 0; i < FILE_MIB; i += 1) writeSync(file, randomFillSync(bytes));
  closeSync(file);
}

async function put(agent: http.Agent, url: string, path: string): Promise<void> {
  const headers = { "content-length": FILE_MIB * MIB };
  const request = http.request(url, { agent, method: "PUT", headers });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", reject);
  });
  await pipeline(createReadStream(path, { highWaterMark: MIB }), request);
  const response = await answered;
  if (response.statusCode !== 200) throw new Error(`PUT ${url}: ${response.statusCode}`);
  await pipeline(response, new Writable({ write: (_chunk, _encoding, done) => done() }));
}

async function fetchTo(agent: http.Agent, url: string, path: string): Promise<void> {
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    http.get(url, { agent }, resolve).once("error", reject);
  });
  if (response.statusCode !== 200) throw new Error(`GET ${url}: ${response.statusCode}`);
  await pipeline(response, createWriteStream(path));
}
