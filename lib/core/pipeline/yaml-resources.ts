import type { Node } from "yaml";
import { parseCpus, parseSize } from "../../../proto/units.ts";
import type { ResourcesDraft } from "./resources.ts";
import type { GpuRequest, LabelRule, Placement } from "./spec.ts";
import { type Entry, type NodeReader, offsetOf } from "./yaml-node.ts";
import { readNumber, readQuantity, readTexts } from "./yaml-value.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const RESOURCE_KEYS = [
  "cpus",
  "memory",
  "disk",
  "gpus",
  "gpuMemory",
  "gpuModel",
  "computeCapability",
  "gpuDriver",
  "mig",
] as const;
const PLACEMENT_KEYS = ["labels", "notLabels", "tolerations", "pool"] as const;
const NONE: ReadonlySet<string> = new Set();
/** Keys that people look for in "resources" and that have a place of their own. */
const ELSEWHERE: ReadonlySet<string> = new Set(["network"]);

export function readResources(reader: NodeReader, entry: Entry): ResourcesDraft {
  const resources: Mutable<ResourcesDraft> = {};
  const gpu: Partial<Mutable<GpuRequest>> = {};
  const text = (item: Entry, right: string): string =>
    reader.text(item.value, item.path, item.offset, `"${item.name}"`, right) ?? "";
  for (const item of reader.entries(entry.value, entry.path, '"resources"', entry.offset) ?? []) {
    switch (item.name as (typeof RESOURCE_KEYS)[number]) {
      case "cpus":
        resources.cpus = readQuantity(reader, item, parseCpus) ?? 1;
        break;
      case "memory":
        resources.memoryBytes = readQuantity(reader, item, parseSize) ?? 0;
        break;
      case "disk":
        resources.diskBytes = readQuantity(reader, item, parseSize) ?? 0;
        break;
      case "gpus":
        resources.gpus = readNumber(reader, item) ?? 0;
        break;
      case "gpuMemory":
        gpu.memoryBytes = readQuantity(reader, item, parseSize) ?? 0;
        break;
      case "gpuModel":
        gpu.models = readTexts(reader, item, "a model or a list of them would be right, like [H100, A100]");
        break;
      case "computeCapability":
        gpu.computeCapability = text(item, 'a version would be right, like "8.0"');
        break;
      case "gpuDriver":
        gpu.driver = text(item, 'a version would be right, like "535.104"');
        break;
      case "mig":
        gpu.mig = text(item, 'a profile would be right, like "1g.10gb"');
        break;
      default:
        reader.unknownKey(item, '"resources"', RESOURCE_KEYS, ELSEWHERE);
    }
  }
  return Object.keys(gpu).length === 0 ? resources : { ...resources, gpu };
}

export function readAlternatives(reader: NodeReader, entry: Entry): ResourcesDraft[] {
  const right = "a list of requests would be right, like [{ gpus: 1, cpus: 16 }]";
  const items: Node[] = reader.items(entry, right) ?? [];
  return items.map((item, i) =>
    readResources(reader, { ...entry, path: [...entry.path, i], offset: offsetOf(item), value: item }),
  );
}

export function readPlacement(reader: NodeReader, entry: Entry): Placement {
  const labels: LabelRule[] = [];
  let tolerations: readonly string[] = [];
  let pool = "";
  for (const item of reader.entries(entry.value, entry.path, '"placement"', entry.offset) ?? []) {
    switch (item.name as (typeof PLACEMENT_KEYS)[number]) {
      case "labels":
        labels.push(...readLabels(reader, item, false));
        break;
      case "notLabels":
        labels.push(...readLabels(reader, item, true));
        break;
      case "tolerations":
        tolerations = readTexts(reader, item, "a list of taints would be right, like [gpu-only]");
        break;
      case "pool":
        pool = reader.text(item.value, item.path, item.offset, '"pool"', "the name of a pool would be right") ?? "";
        break;
      default:
        reader.unknownKey(item, '"placement"', PLACEMENT_KEYS, NONE);
    }
  }
  return { labels, tolerations, pool };
}

function readLabels(reader: NodeReader, entry: Entry, refused: boolean): LabelRule[] {
  const right = 'a value or a list of values would be right; "*" for any';
  return (reader.entries(entry.value, entry.path, `"${entry.name}"`, entry.offset) ?? []).map((item) => {
    const values = readTexts(reader, item, right);
    return { key: item.name, values: values.includes("*") ? [] : values, refused };
  });
}
