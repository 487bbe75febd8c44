import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findProgram } from "../../worker/environment/program.ts";

const run = promisify(execFile);
const BUSYBOX = "/bin/busybox";
const TOOLS = ["sh", "cat", "echo", "env", "head", "id", "kill", "ls", "sleep", "tail", "true"];

export interface Podman {
  /** "localhost/…@sha256:…": busybox and nothing else. */
  readonly image: string;
  /** How this Podman is found: by PATH, and what it reads. */
  readonly env: Readonly<Record<string, string>>;
  /** Names of the containers that are there. */
  containers(): Promise<string[]>;
  close(): Promise<void>;
}

/**
 * A Podman that keeps all it has in a folder of its own, with an image made of the machine's static busybox. A text
 * instead: why there is none here.
 */
export async function openPodman(): Promise<Podman | string> {
  const program = findProgram("podman", process.env["PATH"] ?? "");
  if (program === undefined) return "there is no podman on PATH";
  const folder = mkdtempSync(join(tmpdir(), "weft-podman-"));
  const env = { ...configure(folder, program), HOME: folder };
  const podman = (...args: string[]) => run(join(folder, "bin/podman"), args, { env: { ...process.env, ...env } });
  const close = async () => {
    await podman("rm", "--all", "--force").catch(() => {});
    await podman("unshare", "rm", "-rf", join(folder, "storage")).catch(() => {});
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await run("sh", ["-c", `tar -C ${rootOf(folder)} -cf ${folder}/root.tar .`]);
    await podman("import", join(folder, "root.tar"), "weft-test:1");
    const { stdout } = await podman("images", "--digests", "--format", "{{.Digest}}");
    const image = `localhost/weft-test@${stdout.trim()}`;
    await podman("run", "--rm", "--network=host", image, "/bin/true");
    const containers = async () => {
      const listed = await podman("ps", "--all", "--format", "{{.Names}}");
      return listed.stdout.split("\n").filter((name) => name !== "");
    };
    return { image, env, containers, close };
  } catch (error) {
    await close();
    return `podman does not run containers here: ${String((error as { stderr?: string }).stderr ?? error).trim()}`;
  }
}

function rootOf(folder: string): string {
  const root = join(folder, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  mkdirSync(join(root, "tmp"));
  cpSync(BUSYBOX, join(root, "bin/busybox"));
  for (const tool of TOOLS) symlinkSync("busybox", join(root, "bin", tool));
  return root;
}

/** With limits that a container in a container may set, and runc where it is there: crun refuses hybrid control groups. */
function configure(folder: string, program: string): Record<string, string> {
  const runtime = findProgram("runc", process.env["PATH"] ?? "") ? 'runtime = "runc"' : "";
  writeFileSync(
    join(folder, "containers.conf"),
    `[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n[engine]\n${runtime}\n`,
  );
  writeFileSync(
    join(folder, "storage.conf"),
    `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/storage"\nrunroot = "${folder}/run"\n`,
  );
  // Before any docker that is on PATH: its daemon may be somebody's.
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/docker"), "#!/bin/sh\nexit 1\n");
  chmodSync(join(folder, "bin/docker"), 0o755);
  symlinkSync(program, join(folder, "bin/podman"));
  return {
    PATH: `${folder}/bin:${process.env["PATH"]}`,
    CONTAINERS_CONF: join(folder, "containers.conf"),
    CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
  };
}
