import type { Environment as EnvironmentProto } from "../../../proto/gen/weft/v1/Environment.ts";
import type { TaskSpec__Output } from "../../../proto/gen/weft/v1/TaskSpec.ts";
import type { Issue } from "../error.ts";
import { isSafePath } from "../tree.ts";
import { LIMITS } from "./limits.ts";
import type { Environment } from "./spec.ts";
import { checkText } from "./value.ts";

/** How the parts of an environment are written in weft.yaml, and what would be right for each. */
export const ENVIRONMENT_KEYS = {
  node: "the path of a package-lock.json would be right",
  python: 'the path of a requirements file would be right, like "requirements.lock"',
  pythonVersion: 'a version in quotes would be right, like "3.11"',
  image: 'an image with its digest would be right, like "docker.io/library/python@sha256:…"',
} as const;
export type EnvironmentKey = keyof typeof ENVIRONMENT_KEYS;

/** A name as Docker and Podman take it, then the digest of the image; a tag between the two says nothing any more. */
const IMAGE = /^[a-z0-9][a-z0-9._-]*(:[0-9]+)?(\/[a-z0-9._-]+)*(:[A-Za-z0-9._-]{1,128})?@sha256:[0-9a-f]{64}$/;
const PYTHON_VERSION = /^3(\.\d{1,2}){1,2}$/;

/** The parts as an environment; undefined when none is given. `add` hears of parts that do not go together. */
export function environmentOfParts(
  parts: Readonly<Partial<Record<EnvironmentKey, string>>>,
  add: (key: EnvironmentKey, message: string) => void,
): Environment | undefined {
  const { node, python, pythonVersion, image } = parts;
  const kinds = (["node", "python", "image"] as const).filter((key) => parts[key] !== undefined);
  if (kinds.length > 1) add(kinds[1]!, `"${kinds.join('" and "')}" are given; a task has one environment: keep one`);
  if (pythonVersion !== undefined && python === undefined)
    add("pythonVersion", '"pythonVersion" is given without "python"; name a requirements file, which may be empty');
  if (python !== undefined) return { kind: "python", lock: python, version: pythonVersion ?? null };
  if (image !== undefined) return { kind: "container", image };
  return node === undefined ? undefined : { kind: "node", lock: node };
}

export function checkEnvironment(environment: Environment, add: (key: EnvironmentKey, message: string) => void): void {
  switch (environment.kind) {
    case "none":
      return;
    case "node":
      return checkLock(environment.lock, "node", "package-lock.json", add);
    case "python": {
      checkLock(environment.lock, "python", "requirements.lock", add);
      const { version } = environment;
      if (version !== null && !PYTHON_VERSION.test(version))
        add("pythonVersion", `"${version}" is no version of Python; write one like "3.11" or "3.11.7", in quotes`);
      return;
    }
    case "container":
      if (checkText(environment.image, LIMITS.pathBytes) || !IMAGE.test(environment.image))
        add(
          "image",
          `"${environment.image}" does not say which image by its digest, and a tag may mean another one tomorrow; ` +
            'write "name@sha256:…", as `docker images --digests` or `podman images --digests` show it',
        );
  }
}

function checkLock(
  path: string,
  key: EnvironmentKey,
  example: string,
  add: (key: EnvironmentKey, message: string) => void,
): void {
  if (checkText(path, LIMITS.pathBytes) || !isSafePath(path))
    add(key, `"${path}" is not a path below the pipeline's folder; write one like "${example}"`);
}

/** Of the message, where "" means "not said". */
export function environmentOf({ name, environment }: TaskSpec__Output, issues: Issue[]): Environment | undefined {
  if (!environment) return undefined;
  const said = Object.entries({ ...environment }).filter(([, value]) => value !== "");
  return environmentOfParts(Object.fromEntries(said), (key, message) =>
    issues.push({ path: ["tasks", name, "environment", key], message }),
  );
}

export function environmentToProto(environment: Environment): EnvironmentProto | null {
  switch (environment.kind) {
    case "none":
      return null;
    case "node":
      return { node: environment.lock };
    case "python":
      return { python: environment.lock, pythonVersion: environment.version ?? "" };
    case "container":
      return { image: environment.image };
  }
}
