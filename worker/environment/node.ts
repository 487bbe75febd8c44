import { copyFile, mkdir, symlink } from "node:fs/promises";
import { basename, dirname, join, posix } from "node:path";
import { digestBytes } from "../../lib/digest.ts";
import { EnvironmentError } from "./failure.ts";
import { NO_ENTRANCE, submittedFile, type Kitchen, type Recipe } from "./recipe.ts";

/** npm reads these beside the package-lock.json. */
const BESIDE = ["package.json", ".npmrc"];

/** The packages of a package-lock.json, which appear as node_modules beside it. Throws EnvironmentError. */
export function nodeRecipe({ code }: Kitchen, lockPath: string): Recipe {
  const folder = posix.dirname(lockPath);
  const [lock, manifest, npmrc] = [lockPath, ...BESIDE.map((name) => posix.join(folder, name))].map((path) =>
    submittedFile(code, path),
  );
  const missing = lock ? (manifest ? undefined : posix.join(folder, "package.json")) : lockPath;
  if (missing !== undefined)
    throw new EnvironmentError(
      `${missing} is not in the submitted folder; environment.node names a package-lock.json beside its package.json`,
    );
  const parts = [lock!.digest, manifest!.digest, npmrc?.digest ?? "", process.version, process.platform, process.arch];
  return {
    digest: digestBytes(JSON.stringify(parts)),
    files: [lock!, manifest!, ...(npmrc ? [npmrc] : [])],
    async build(target, source, install) {
      for (const file of [lock!, manifest!, ...(npmrc ? [npmrc] : [])]) {
        const name = file === lock ? "package-lock.json" : basename(file.path);
        await copyFile(join(source, file.path), join(target, name));
      }
      // Without install scripts: a package must not run code on the machine before, and outside of, the task.
      await install({
        program: "npm",
        args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd: target,
        title: `npm ci of ${lockPath}`,
        reason: "first lines",
      });
      // Also when there was nothing to install.
      await mkdir(join(target, "node_modules"), { recursive: true });
    },
    async enter(built, workspace) {
      const link = join(workspace, folder, "node_modules");
      await mkdir(dirname(link), { recursive: true });
      await symlink(join(built, "node_modules"), link).catch((error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        throw new EnvironmentError(
          `the submitted folder holds ${posix.join(folder, "node_modules")} itself, where the packages of ${lockPath} go; name it in .weftignore`,
        );
      });
      return NO_ENTRANCE;
    },
  };
}
