import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "../../lib/core/ids.ts";
import type { Environment } from "../../lib/core/pipeline/spec.ts";
import type { Cache } from "../cache.ts";
import type { Entrance } from "../core/variables.ts";
import { type Containment, imageDigest, provideImage } from "./container.ts";
import type { Engine } from "./engine.ts";
import { installer, installerEnvironment } from "./install.ts";
import { nodeRecipe } from "./node.ts";
import { pythonRecipe } from "./python.ts";
import { NO_ENTRANCE, type Kitchen, type Recipe } from "./recipe.ts";
import type { Shelf } from "./shelf.ts";

/** Where an attempt keeps which environment it was given. */
const RECORD = "environment";
/** In a build's folder, while it is built. */
const SOURCE = "source";

/** What is built here; an image was built by somebody else. */
type Built = Extract<Environment, { kind: "node" | "python" }>;

interface Given extends Entrance {
  readonly digest: Digest;
  readonly container: Containment | null;
}

/** An environment that an attempt was given, which is pinned until `leave`. */
export interface Provided extends Given {
  leave(): void;
}

export interface ProvideOptions {
  /** The attempt's folder, and in it: */
  readonly folder: string;
  readonly workspace: string;
  readonly stderr: string;
}

/**
 * Builds the environment if it is not there, and makes it the attempt's. `onDigest` hears which one it is before anything
 * is built. Errors: EnvironmentError, AttemptStopped, those of Cache.fetch, errno.
 */
export async function provideEnvironment(
  environment: Exclude<Environment, { kind: "none" }>,
  { shelf, engine }: { readonly shelf: Shelf; readonly engine: Engine | undefined },
  kitchen: Kitchen,
  options: ProvideOptions,
  onDigest: (digest: Digest) => void,
): Promise<Provided> {
  if (environment.kind !== "container") return provideBuilt(environment, shelf, kitchen, options, onDigest);
  const digest = imageDigest(environment.image);
  onDigest(digest);
  const env = installerEnvironment(kitchen.env);
  const install = installer({ env, stderr: options.stderr, signal: kitchen.signal });
  const container = await provideImage(engine, environment.image, options.folder, install);
  const given: Given = { ...NO_ENTRANCE, digest, container };
  await writeFile(join(options.folder, RECORD), JSON.stringify(given));
  return { ...given, leave: () => {} };
}

async function provideBuilt(
  environment: Built,
  shelf: Shelf,
  kitchen: Kitchen,
  { folder, workspace, stderr }: ProvideOptions,
  onDigest: (digest: Digest) => void,
): Promise<Provided> {
  const recipe = await recipeOf(environment, kitchen);
  onDigest(recipe.digest);
  shelf.pin(recipe.digest);
  const leave = once(() => shelf.unpin(recipe.digest));
  try {
    const env = installerEnvironment(kitchen.env);
    const install = installer({ env, stderr, signal: kitchen.signal });
    const built = await shelf.provide(
      recipe.digest,
      async (target) => {
        const source = join(target, SOURCE);
        await layOutSource(kitchen.cache, recipe, source);
        await recipe.build(target, source, install);
        await rm(source, { recursive: true });
      },
      { signal: kitchen.signal, stderr },
    );
    const given: Given = { ...(await recipe.enter(built, workspace)), digest: recipe.digest, container: null };
    await writeFile(join(folder, RECORD), JSON.stringify(given));
    // Nobody would take it, and so nobody would leave it.
    kitchen.signal.throwIfAborted();
    return { ...given, leave };
  } catch (error) {
    leave();
    throw error;
  }
}

/** After a restart of the agent: the environment of an attempt that still runs; undefined: it has none. */
export async function environmentInUse(shelf: Shelf, folder: string): Promise<Provided | undefined> {
  const text = await readFile(join(folder, RECORD), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const given = JSON.parse(text) as Given;
  if (given.container) return { ...given, leave: () => {} };
  shelf.pin(given.digest);
  return { ...given, leave: once(() => shelf.unpin(given.digest)) };
}

async function recipeOf(environment: Built, kitchen: Kitchen): Promise<Recipe> {
  switch (environment.kind) {
    case "node":
      return nodeRecipe(kitchen, environment.lock);
    case "python":
      return pythonRecipe(kitchen, environment.lock, environment.version);
  }
}

async function layOutSource(cache: Cache, { files }: Recipe, source: string): Promise<void> {
  for (const { digest } of files) cache.pin(digest);
  try {
    await cache.fetch(files.map(({ digest }) => digest));
    for (const { path, digest } of files) {
      await mkdir(dirname(join(source, path)), { recursive: true });
      await copyFile(cache.store.path(digest), join(source, path));
    }
  } finally {
    for (const { digest } of files) cache.unpin(digest);
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}
