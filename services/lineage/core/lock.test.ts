import { expect, test } from "vitest";
import { readLock } from "./lock.ts";

const packages = (path: string, text: string) => Object.fromEntries(readLock(path, text).packages);

test("requirements that fix a version are packages, others are loose", () => {
  const text = `# by hand
--index-url https://example.org
Scikit_Learn[extra]==1.5.0 ; python_version > "3.8"  # why
numpy == 2.0.1 \\
    --hash=sha256:aa
torch>=2
pandas==2.*
whl @ https://example.org/whl.whl
-r other.txt
`;
  const locked = readLock("env/requirements.lock", text);
  expect(Object.fromEntries(locked.packages)).toEqual({ "scikit-learn": "1.5.0", numpy: "2.0.1" });
  expect(locked.loose).toEqual(["torch>=2", "pandas==2.*", "whl"]);
  expect(locked.includes).toEqual(["other.txt"]);
});

test("locks of uv, of PEP 751 and of npm are read package by package", () => {
  const uv = `version = 1\n[[package]]\nname = "NumPy"\nversion = "2.0.1"\n[package.metadata]\nname = "no"\n\n[[package]]\nname = "mine"\nsource = { virtual = "." }\n`;
  expect(packages("uv.lock", uv)).toEqual({ numpy: "2.0.1", mine: "" });
  const pylock = `lock-version = "1.0"\n[[packages]]\nname = "attrs"\nversion = "25.1.0"\n[[packages.wheels]]\nname = "attrs-25.whl"\n`;
  expect(packages("pylock.dev.toml", pylock)).toEqual({ attrs: "25.1.0" });
  const npm = JSON.stringify({
    packages: { "": { version: "0" }, "node_modules/a": { version: "1.2.3" }, "node_modules/a/node_modules/b": {} },
  });
  expect(packages("package-lock.json", npm)).toEqual({ a: "1.2.3" });
  expect(packages("package-lock.json", "{ no json")).toEqual({});
});
