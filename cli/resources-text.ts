import { formatSize } from "../lib/core/pipeline/units.ts";
import type { Resources } from "../sdk/index.ts";

/** "2 CPUs, 1GiB, 1 GPU": what is asked for, without what is not. */
export function resourcesText({ cpus, memoryBytes, diskBytes, gpus }: Resources): string {
  const parts = [cpus === 1 ? "1 CPU" : `${cpus} CPUs`];
  if (memoryBytes > 0) parts.push(formatSize(memoryBytes));
  if (diskBytes > 0) parts.push(`${formatSize(diskBytes)} disk`);
  if (gpus > 0) parts.push(gpus <= 1 ? `${gpus} GPU` : `${gpus} GPUs`);
  return parts.join(", ");
}

/** "1.5/4": reserved of all. */
export function share(reserved: number, all: number, format: (value: number) => string = String): string {
  return `${format(reserved)}/${format(all)}`;
}
