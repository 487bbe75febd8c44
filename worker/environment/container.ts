import type { Assignment } from "../../lib/core/dispatch.ts";
import { attemptKey, type Digest } from "../../lib/core/ids.ts";
import type { Engine } from "./engine.ts";
import { EnvironmentError } from "./failure.ts";
import { installerEnvironment, type Install } from "./install.ts";

/** What an attempt in a container is started with. */
export interface Containment {
  readonly engine: Engine;
  /** "name@sha256:…" */
  readonly image: string;
}

export function imageDigest(image: string): Digest {
  return image.slice(image.lastIndexOf("@") + 1) as Digest;
}

/** Fetches the image if the engine does not have it. Throws EnvironmentError with the engine's own words. */
export async function provideImage(
  engine: Engine | undefined,
  image: string,
  folder: string,
  install: Install,
): Promise<Containment> {
  if (!engine)
    throw new EnvironmentError(
      `this node has no Docker or Podman that works, to run ${image} with; start the agent where one is`,
    );
  const step = { program: engine.program, cwd: folder, reason: "last lines" } as const;
  const inspect = { ...step, args: ["image", "inspect", image], title: `${engine.name} image inspect`, quiet: true };
  const isThere = await install(inspect).then(
    () => true,
    (error: unknown) => {
      if (error instanceof EnvironmentError) return false;
      throw error;
    },
  );
  if (!isThere) await install({ ...step, args: ["pull", "--quiet", image], title: `${engine.name} pull ${image}` });
  return { engine, image };
}

export interface ContainerStart {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly name: string;
}

/** They steer the client itself; for the container they are said on its command line instead. */
const CLIENT_VARIABLES = /^(PATH|HOME|USER|LANG)$|^(DOCKER|CONTAINERS?|PODMAN|XDG|LD|BUILDAH|TMPDIR)_?/;

/**
 * The command that runs `argv` in a container: as the agent's own user, in the machine's network, with the attempt's
 * folder at its own path and nothing else of the machine, held to the memory limit by the engine. `base` is for the
 * client, `variables` for the task: they are handed over by name, so that no value shows in the list of processes.
 */
export function containerStart(
  { engine, image }: Containment,
  assignment: Assignment,
  argv: readonly string[],
  folder: string,
  base: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): ContainerStart {
  const name = `weft-${attemptKey(assignment.ref)}`;
  const { memoryBytes } = assignment.resources;
  const settings = installerEnvironment(base);
  const own = Object.entries(variables).filter(([key]) => key !== "PWD");
  const shown = ([key]: [string, string]): boolean => CLIENT_VARIABLES.test(key) || key in settings;
  return {
    name,
    env: { ...Object.fromEntries(own.filter((entry) => !shown(entry))), ...settings },
    argv: [
      engine.program,
      "run",
      "--rm=false",
      "--name",
      name,
      ...words("--pull never --network host --log-driver none --security-opt label=disable"),
      ...(engine.hasInit ? ["--init"] : []),
      "--volume",
      `${folder}:${folder}`,
      "--workdir",
      variables["PWD"]!,
      ...user(engine, variables),
      ...(memoryBytes > 0 ? ["--memory", String(memoryBytes), "--memory-swap", String(memoryBytes)] : []),
      ...devices(engine, assignment.gpuUuids),
      ...own.flatMap((entry) => ["--env", shown(entry) ? `${entry[0]}=${entry[1]}` : entry[0]]),
      "--entrypoint",
      "",
      image,
      ...argv,
    ],
  };
}

/** What it writes must be the agent's own. A user that the image does not know has no home in it. */
function user({ name }: Engine, variables: Readonly<Record<string, string>>): string[] {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const home = uid === 0 || "HOME" in variables ? [] : ["--env", `HOME=${variables["TMPDIR"]}`];
  const same = name === "podman" && uid !== 0 ? ["--userns", "keep-id"] : [];
  return [...same, "--user", `${uid}:${gid}`, ...home];
}

/** Docker takes NVIDIA's cards by --gpus (its runtime), Podman by their CDI names; AMD's are device files for both. */
function devices({ name }: Engine, uuids: readonly string[]): string[] {
  if (uuids.length === 0) return [];
  if (uuids.every((uuid) => /^GPU-[0-9a-f]{16}$/i.test(uuid))) return ["--device", "/dev/kfd", "--device", "/dev/dri"];
  if (name === "docker") return ["--gpus", `"device=${uuids.join(",")}"`];
  return uuids.flatMap((uuid) => ["--device", `nvidia.com/gpu=${uuid}`]);
}

function words(text: string): string[] {
  return text.split(" ");
}
