import type { Digest } from "../../../lib/core/ids.ts";
import type { Environment } from "../../../lib/core/pipeline/spec.ts";

/** One thing that a result rests on. */
export interface Pin {
  readonly kind: "model" | "code" | "data" | "environment" | "params" | "seed" | "signature";
  /** Empty: of the whole. */
  readonly task: string;
  /** Of the input, the lock file, the key; empty: there is one of the kind. */
  readonly name: string;
  /** A digest, or the name of a key; null: nothing is recorded. */
  readonly id: string | null;
  /**
   * held     its bytes are in the store, or its value in the records
   * missing  it is recorded, and its bytes are not there
   * loose    what is recorded may be something else tomorrow
   * unknown  nothing is recorded, or it is kept elsewhere under its digest
   */
  readonly state: "held" | "missing" | "loose" | "unknown";
  /** Of a pin that is not held, what there is to say; empty: nothing. */
  readonly says: string;
}

/** What is in the store, as far as it is asked here. */
export type Missing = (digest: Digest) => { readonly path: string | null } | undefined;

/** Of a pin with bytes. */
export function storedPin(pin: Pick<Pin, "kind" | "task" | "name">, id: Digest, missing: Missing): Pin {
  const gone = missing(id);
  if (gone === undefined) return { ...pin, id, state: "held", says: "" };
  const file = gone.path === null ? "" : `file ${gone.path} of `;
  return { ...pin, id, state: "missing", says: `${file}${describePin(pin)}, ${id}, is no longer in the store` };
}

/** Of bytes that were read from outside and not kept: whoever runs it again reads them again, and they must be the same. */
export function elsewherePin(pin: Pick<Pin, "kind" | "task" | "name">, id: Digest, from: string): Pin {
  return {
    ...pin,
    id,
    state: "unknown",
    says: `${describePin(pin)}, ${id}, was not kept, and is read again from ${from}`,
  };
}

export function describePin({ kind, task, name }: Pick<Pin, "kind" | "task" | "name">): string {
  const of = task === "" ? "" : ` of task ${task}`;
  switch (kind) {
    case "data":
      return `input ${name}${of}`;
    case "environment":
      return `${name}, the environment${of}`;
    default:
      return `the ${kind}${of}`;
  }
}

/** What of an environment's lock is known; undefined: the submitted folder is not there, or none was submitted. */
export interface LockHolding {
  readonly files: readonly { readonly path: string; readonly digest: Digest }[];
  readonly missing: readonly string[];
  readonly loose: readonly string[];
}

/** Requirements that are named in one sentence. */
const LOOSE_SHOWN = 5;

/** What an environment is pinned by. */
export function environmentPins(
  task: string,
  environment: Environment,
  lock: LockHolding | undefined,
  missing: Missing,
): Pin[] {
  const pin = (name: string, id: string | null, state: Pin["state"], says: string): Pin => ({
    kind: "environment",
    task,
    name,
    id,
    state,
    says,
  });
  const of = task === "" ? "" : ` of task ${task}`;
  if (environment.kind === "none")
    return [pin("", null, "loose", `the environment${of}: it runs with whatever programs its machine has`)];
  if (environment.kind === "container") {
    const digest = environment.image.slice(environment.image.indexOf("@") + 1);
    return [pin(environment.image, digest, "unknown", "its registry keeps the image, under this digest")];
  }
  const { lock: path } = environment;
  if (lock === undefined)
    return [pin(path, null, "missing", `${path}, the environment${of}, is no longer in the store`)];
  const pins = lock.files.map((file) =>
    storedPin({ kind: "environment", task, name: file.path }, file.digest, missing),
  );
  for (const gone of lock.missing)
    if (!lock.files.some((file) => file.path === gone))
      pins.push(pin(gone, null, "missing", `${gone}, the environment${of}, is not in the submitted folder`));
  if (lock.loose.length > 0) {
    const shown = lock.loose.slice(0, LOOSE_SHOWN).join(", ");
    const more = lock.loose.length > LOOSE_SHOWN ? ` and ${lock.loose.length - LOOSE_SHOWN} more` : "";
    pins.push(pin(path, null, "loose", `${shown}${more} in ${path}${of}: no version is fixed`));
  }
  if (environment.kind === "python" && environment.version === null)
    pins.push(pin("python", null, "loose", `the version of Python${of}: its machine's own is taken`));
  return pins;
}

/** What programs call the number that their chance begins with. */
const SEED = /seed|random[_-]?state/i;

/** The name among these that is a seed's; undefined: none. */
export function seedAmong(names: Iterable<string>): string | undefined {
  for (const name of names) if (SEED.test(name)) return name;
  return undefined;
}
