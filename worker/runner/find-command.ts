import { accessSync, constants, existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";

/** Whether there is such a program, as exec looks for it: in `path`, or where the name itself leads from `cwd`. */
export function findCommand(name: string, path: string, cwd: string): boolean {
  if (name.includes("/")) return existsSync(isAbsolute(name) ? name : resolve(cwd, name));
  return path.split(":").some((folder) => {
    try {
      accessSync(resolve(cwd, folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
