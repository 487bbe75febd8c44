import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { WeftError } from "../../lib/core/error.ts";
import { type CsvRow, readCsv } from "./csv.ts";
import { type Machine, Shapes, type TraceJob, type Workload } from "./workload.ts";

const NODES_FILE = "openb_node_list_all_node.csv";
const PODS_PREFIX = "openb_pod_list_";
const MIB = 2 ** 20;
/** Some pods are deleted in the second they start. */
const RUN_MS_MIN = 1000;

export function isAlibaba(folder: string): boolean {
  return existsSync(join(folder, NODES_FILE));
}

/** Alibaba's cluster-trace-gpu-v2023; `pods`: which of its lists, as "default". */
export function readAlibaba(folder: string, pods: string): Workload {
  const machines = readCsv(join(folder, NODES_FILE), ["sn", "cpu_milli", "memory_mib", "gpu", "model"]).map(toMachine);
  const path = join(folder, `${PODS_PREFIX}${pods}.csv`);
  if (!existsSync(path))
    throw new WeftError("not_found", `there is no pod list ${pods} in ${folder}; there are ${lists(folder)}`);
  const shapes = new Shapes();
  const rows = readCsv(path, POD_COLUMNS);
  const neverStarted = rows.filter((row) => row.text("scheduled_time") === "").length;
  return {
    name: `alibaba-gpu-v2023/${pods}`,
    machines,
    jobs: rows.map((row) => toJob(row, path, shapes)),
    notes: [
      `Run time is deletion_time - scheduled_time; ${neverStarted} pods that the trace's scheduler never started run for deletion_time - creation_time.`,
      "The trace names no owners: a pod's qos class stands for its project.",
    ],
  };
}

/** The multigpu lists have no times: a population for packing, and no arrivals to replay. */
const POD_COLUMNS = [
  "name",
  "cpu_milli",
  "memory_mib",
  "num_gpu",
  "gpu_milli",
  "gpu_spec",
  "qos",
  "creation_time",
  "deletion_time",
  "scheduled_time",
];

function lists(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.startsWith(PODS_PREFIX) && name.endsWith(".csv"));
  return names.map((name) => name.slice(PODS_PREFIX.length, -".csv".length)).join(", ") || "none";
}

function toMachine(row: CsvRow): Machine {
  return {
    name: row.text("sn"),
    cpuMillis: row.number("cpu_milli"),
    memoryBytes: row.number("memory_mib") * MIB,
    gpus: row.number("gpu"),
    model: row.text("model"),
  };
}

function toJob(row: CsvRow, path: string, shapes: Shapes): TraceJob {
  const arrival = row.number("creation_time");
  const started = row.text("scheduled_time") === "" ? arrival : row.number("scheduled_time");
  const gpus = row.number("num_gpu");
  const share = row.number("gpu_milli");
  if (gpus > 1 && share !== 1000)
    throw new WeftError("invalid", `${path}:${row.line}: ${gpus} GPUs with gpu_milli ${share}; only one can be shared`);
  const shape = shapes.of({
    cpuMillis: Math.max(1, row.number("cpu_milli")),
    memoryBytes: row.number("memory_mib") * MIB,
    gpuMillis: gpus * share,
    models: row.text("gpu_spec") === "" ? [] : row.text("gpu_spec").split("|"),
    members: 1,
  });
  return {
    name: row.text("name"),
    project: row.text("qos"),
    arrivalMs: arrival * 1000,
    runMs: Math.max(RUN_MS_MIN, (row.number("deletion_time") - started) * 1000),
    shape,
  };
}
