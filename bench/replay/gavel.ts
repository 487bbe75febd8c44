import { existsSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import { readCsv } from "./csv.ts";
import { type Machine, Shapes, type TraceJob, type Workload } from "./workload.ts";

const JOBS_FILE = "DERIVED_jobs_all_vcs.csv";
const PHILLY_FOLDER = "philly-derived";
const GPUS_A_MACHINE = 8;
/** One CPU and no memory a GPU, on machines with more: the trace knows neither, and they shall not bind. */
const CPU_MILLIS_A_GPU = 1000;
const MACHINE_CPU_MILLIS = 64_000;
const MACHINE_MEMORY_BYTES = 512 * 2 ** 30;

export function isGavel(folder: string): boolean {
  return existsSync(join(folder, JOBS_FILE));
}

/**
 * Arrivals and GPU counts of Gavel's per-virtual-cluster extracts of Philly, with Philly's own run times drawn by chance
 * (Gavel's are derived from profiles and nine times longer). `random`: uniform in [0, 1).
 */
export function readGavel(folder: string, random: () => number): Workload {
  const philly = join(folder, "..", PHILLY_FOLDER);
  if (!existsSync(philly))
    throw new WeftError("not_found", `no folder ${philly}: run times and cluster sizes are taken from it`);
  const runtimes = readCsv(join(philly, "philly_runtime.csv"), ["runtime"])
    .map((row) => row.number("runtime"))
    .filter((seconds) => seconds > 0);
  const rows = readCsv(join(folder, JOBS_FILE), ["vc", "idx", "arrival_s", "num_gpu"]);
  const shapes = new Shapes();
  const jobs = rows.map((row): TraceJob => {
    const seconds = runtimes[Math.floor(random() * runtimes.length)]!;
    const members = membersOf(row.number("num_gpu"));
    const gpus = row.number("num_gpu") / members;
    return {
      name: `${row.text("vc")}-${row.text("idx")}`,
      project: row.text("vc"),
      arrivalMs: row.number("arrival_s") * 1000,
      runMs: Math.max(1000, Math.round(seconds * 1000)),
      shape: shapes.of({
        cpuMillis: CPU_MILLIS_A_GPU * Math.max(1, gpus),
        memoryBytes: 0,
        gpuMillis: gpus * 1000,
        models: [],
        members,
      }),
    };
  });
  return {
    name: "gavel-philly-vc",
    machines: machinesOf(join(philly, "philly_vc.csv")),
    jobs,
    notes: [
      "Arrivals and GPU counts from Gavel's extracts; run times drawn from Philly's, not the same jobs'.",
      "More than 8 GPUs are a gang of equal members on machines of their own; CPUs and memory do not bind.",
    ],
  };
}

/** The fewest equal members that fit a machine each: 16 GPUs are 2 × 8, 12 are 2 × 6, 20 are 4 × 5. */
export function membersOf(gpus: number): number {
  let members = Math.max(1, Math.ceil(gpus / GPUS_A_MACHINE));
  while (gpus % members !== 0) members += 1;
  return members;
}

function machinesOf(path: string): Machine[] {
  const nodes = readCsv(path, ["vc", "node num"]).reduce((sum, row) => sum + row.number("node num"), 0);
  return Array.from({ length: nodes }, (_, i) => ({
    name: `philly-${String(i).padStart(4, "0")}`,
    cpuMillis: MACHINE_CPU_MILLIS,
    memoryBytes: MACHINE_MEMORY_BYTES,
    gpus: GPUS_A_MACHINE,
    model: "P100",
  }));
}
