import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findAddress } from "./address.ts";

const root = mkdtempSync(join(tmpdir(), "weft-address-"));
afterAll(() => rmSync(root, { recursive: true }));
const clone = join(root, "clone");
const below = join(clone, "a", "b");
mkdirSync(below, { recursive: true });
mkdirSync(join(clone, ".weft"));
writeFileSync(
  join(clone, ".weft", "weft.json"),
  JSON.stringify({ http: "127.0.0.1:1", grpc: "127.0.0.1:7001", pid: 1 }),
);
const home = join(root, "home");
mkdirSync(home);
writeFileSync(join(home, "weft.json"), JSON.stringify({ http: 1, grpc: 7002, pid: 1 }));

test("the flag is asked before the variable, that before a running cluster's file, that before the default", () => {
  const env = { WEFT_SERVER: "b:2", WEFT_HOME: home };
  expect(findAddress({ flag: "a:1", env, cwd: below })).toEqual({ address: "a:1", from: "--server" });
  expect(findAddress({ flag: undefined, env, cwd: below })).toEqual({ address: "b:2", from: "WEFT_SERVER" });
  expect(findAddress({ flag: undefined, env: { WEFT_HOME: home }, cwd: below }).address).toBe("127.0.0.1:7002");
  expect(findAddress({ flag: undefined, env: {}, cwd: below }).address).toBe("127.0.0.1:7001");
  expect(findAddress({ flag: undefined, env: {}, cwd: root }).address).toBe("127.0.0.1:8081");
});

test("a WEFT_HOME where nothing runs is not passed over for a cluster of this folder", () => {
  const found = findAddress({ flag: undefined, env: { WEFT_HOME: join(root, "none") }, cwd: below });
  expect(found.address).toBe("127.0.0.1:8081");
  expect(found.from).toContain(join(root, "none", "weft.json"));
});

test.each(["localhost", "a:b", "a:0", "a:70000", "http://a:1", ""])(
  "%j is no address, and the error shows one",
  (text) => {
    expect(() => findAddress({ flag: text, env: {}, cwd: root })).toThrow(/--server is .* like 127\.0\.0\.1:8081/);
  },
);
