// The models of all instances of `train`, in the order of the instances.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inputPath, readJson } from "./workspace.mjs";

const numeric = new Intl.Collator("en", { numeric: true });

/** A mapped producer's outputs lie in one folder an instance. */
export function readCandidates() {
  const folder = inputPath("models", "models");
  return readdirSync(folder)
    .toSorted(numeric.compare)
    .map((instance) => readJson(join(folder, instance, "model.json")));
}

export const nameOf = ({ depth, seed }) => `depth ${depth}, seed ${seed}`;
