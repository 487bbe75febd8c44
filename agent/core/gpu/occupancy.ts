import { formatSize } from "../../../lib/core/pipeline/units.ts";
import { type GpuDevice, type GpuReading, MIB, readNumber, readText } from "./device.ts";

/** A process that computes on a device, as the driver lists it. */
export interface GpuProcess {
  readonly uuid: string;
  readonly pid: number;
  readonly name: string;
  /** Absent: the driver does not say. */
  readonly memoryBytes?: number;
}

/**
 * Memory in use, in bytes, that no process is named for, up to which a device counts as empty: drivers keep some for themselves (0.5 GiB on
 * recent cards). Less, and healthy cards are never given out; much more, and a task finds less memory than it was promised.
 */
export const OWN_MEMORY_BYTES_MAX = 1024 * MIB;

export const PROCESSES_QUERY = [
  "--query-compute-apps=gpu_uuid,pid,process_name,used_memory",
  "--format=csv,noheader,nounits",
];

/** The answer to PROCESSES_QUERY. Memory comes in MiB; a name may hold commas. */
export function parseProcesses(csv: string): GpuProcess[] {
  return csv.split("\n").flatMap((line): GpuProcess[] => {
    const [uuid, pid, ...rest] = line.split(",").map((cell) => cell.trim());
    const number = readNumber(pid);
    if (uuid === undefined || uuid === "" || number === undefined || rest.length < 2) return [];
    const memory = readNumber(rest.at(-1));
    const name = readText(rest.slice(0, -1).join(", "));
    return [{ uuid, pid: number, name, ...(memory === undefined ? {} : { memoryBytes: memory * MIB }) }];
  });
}

/** What is on devices that are to be empty, by uuid, in words. `held`: those that tasks of ours may be using. */
export function occupied(
  devices: readonly GpuDevice[],
  reading: GpuReading,
  held: ReadonlySet<string>,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const { uuid, migProfile } of devices) {
    if (held.has(uuid)) continue;
    const processes = reading.processes.filter((one) => one.uuid === uuid);
    // Of a card that is cut into slices the driver counts all of them together.
    const bytes = migProfile === "" ? reading.usage.find((one) => one.uuid === uuid)?.memoryBytesUsed : undefined;
    const what =
      processes.length > 0
        ? processes.slice(0, 3).map(processText).join(", ") + (processes.length > 3 ? " and others" : "")
        : (bytes ?? 0) > OWN_MEMORY_BYTES_MAX
          ? `${formatSize(bytes!)} of its memory, of a process that cannot be seen`
          : undefined;
    if (what !== undefined)
      found.set(uuid, `not empty though no task is on it: ${what}; it is given out again when it is empty`);
  }
  return found;
}

function processText({ pid, name, memoryBytes }: GpuProcess): string {
  const facts = [name, memoryBytes === undefined ? "" : formatSize(memoryBytes)].filter((text) => text !== "");
  return `process ${pid}${facts.length === 0 ? "" : ` (${facts.join(", ")})`}`;
}
