import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, inject, test } from "vitest";
import { membersOf } from "./gavel.ts";
import { parseOptions } from "./options.ts";
import { readTrace } from "./trace.ts";
import { cutWorkload, offeredLoad } from "./workload.ts";

const NODES = "sn,cpu_milli,memory_mib,gpu,model\nn0,8000,1024,0,\nn1,8000,1024,2,P100\n";
const POD_HEAD =
  "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n";
const PODS = `${POD_HEAD}late,1000,10,1,460,P100|T4,BE,Running,1000,1100,1040\nearly,1000,10,2,1000,,LS,Running,0,50,0\nnever,1000,10,1,1000,T4,LS,Pending,10,30,\n`;

let folder: string;
let alibaba: string;
let gavel: string;

beforeAll(() => {
  folder = mkdtempSync(join(inject("folder"), "traces-"));
  alibaba = put("alibaba", {
    "openb_node_list_all_node.csv": NODES,
    "openb_pod_list_default.csv": PODS,
    "openb_pod_list_multigpu20.csv": "name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,1,1,1,1000\n",
    "openb_pod_list_bad.csv": `${POD_HEAD}x,1000,10,1,1000,,LS,Running,soon,1,1\n`,
  });
  gavel = put("gavel", {
    "DERIVED_jobs_all_vcs.csv":
      "vc,idx,arrival_s,num_gpu,model,total_steps,duration_s_on_v100\nv1,0,5.0,16,X,1,\nv2,0,0.0,1,X,1,9\n",
  });
  put("philly-derived", { "philly_runtime.csv": "runtime\n0.0\n30.0\n", "philly_vc.csv": "vc,node num\nv1,2\nv2,1\n" });
});

function put(name: string, files: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text);
  return path;
}

const read = (path: string, pods = "default") => readTrace(path, { pods, seed: 1 });

test("Alibaba's pods become jobs, and those that no machine could hold are left out and counted", () => {
  const cut = cutWorkload(read(alibaba), { load: 10, nodes: null, limit: null });
  expect(cut.machines.map(({ gpus }) => gpus)).toEqual([0, 2]);
  expect(cut.jobs).toMatchObject([
    { name: "early", project: "LS", arrivalMs: 0, runMs: 50_000, shape: { gpuMillis: 2000, models: [] } },
    {
      name: "late",
      project: "BE",
      arrivalMs: 100_000,
      runMs: 60_000,
      shape: { gpuMillis: 460, models: ["P100", "T4"] },
    },
  ]);
  expect(cut.notes.some((note) => note.startsWith("1 jobs left out"))).toBe(true);
  // 2 × 50 s and 0.46 × 60 s of 2 × 100 s.
  expect(offeredLoad(cut)).toBeCloseTo(127.6 / 200);
});

test("Gavel's jobs take Philly's run times and become gangs past eight GPUs", () => {
  const { machines, jobs } = read(gavel);
  expect(machines).toHaveLength(3);
  expect(jobs).toMatchObject([
    { name: "v1-0", project: "v1", runMs: 30_000, shape: { gpuMillis: 8000, members: 2 } },
    { name: "v2-0", shape: { gpuMillis: 1000, members: 1 } },
  ]);
  expect([1, 7, 8, 12, 16, 20, 24, 64].map(membersOf)).toEqual([1, 1, 1, 2, 2, 4, 3, 8]);
});

test.each([
  ["no folder", () => read(join(folder, "nowhere")), /there is no folder .*nowhere/],
  ["a folder without a trace", () => read(folder), /holds no trace that is known here: neither openb_node_list/],
  ["a file", () => read(join(alibaba, "openb_node_list_all_node.csv")), /is a file; give the folder/],
  ["an unknown list", () => read(alibaba, "other"), /no pod list other .*there are bad, default, multigpu20/],
  ["a list without times", () => read(alibaba, "multigpu20"), /has no column gpu_spec, qos, creation_time/],
  ["a time that is none", () => read(alibaba, "bad"), /bad\.csv:2: creation_time is "soon"; it should be a number/],
  ["an unknown policy", () => parseOptions(["x", "--policy", "best"]), /there is no policy "best"; there are weft,/],
  ["a load of nothing", () => parseOptions(["x", "--load", "0"]), /--load is "0"; it should be a number above 0/],
  ["half a machine", () => parseOptions(["x", "--nodes", "1.5"]), /--nodes is "1.5"; it should be a whole number/],
  ["no trace", () => parseOptions([]), /give one folder with a trace; 0 are given/],
])("%s is refused with what is wrong and what would be right", (_, act, message) => {
  expect(act).toThrow(message);
});

const MAIN = join(import.meta.dirname, "../../dist/bench/replay/main.js");
const command = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });

test("the command prints one object, draws a chart, and says by its exit code what went wrong", () => {
  const chart = join(folder, "chart.svg");
  const done = command(alibaba, "--json", "--chart", chart);
  expect(done).toMatchObject({ status: 0, stderr: "" });
  expect(JSON.parse(done.stdout)).toMatchObject({
    trace: "alibaba-gpu-v2023/default",
    policy: "weft",
    jobs: 2,
    gpus: 2,
  });
  expect(readFileSync(chart, "utf8")).toMatch(/^<svg [^]*<\/svg>\n$/);
  const both = JSON.parse(command(alibaba, "--json", "--policy", "weft,fgd").stdout) as { policies: object[] };
  expect(both.policies).toMatchObject([{ policy: "weft" }, { policy: "fgd" }]);
  expect(command("--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("Examples:") as string });
  expect(command(join(folder, "nowhere"))).toMatchObject({ status: 2 });
  expect(command(alibaba, "--nodes", "1", "--limit", "1")).toMatchObject({ status: 0 });
});
