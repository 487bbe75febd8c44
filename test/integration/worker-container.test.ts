import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { findContainerEngine } from "../../worker/index.ts";
import { openPodman, type Podman } from "../support/podman.ts";
import { run, StoreBench } from "../support/store-bench.ts";
import { until } from "../support/wait.ts";
import { assignment, isAlive, keyOf, limited, removeBuilt, type WorkerBench } from "../support/worker.ts";

let podman: Podman | string;
let bench: StoreBench;
let worker: WorkerBench;

beforeAll(async () => {
  podman = await openPodman();
  if (typeof podman === "string") return;
  for (const [name, value] of Object.entries(podman.env)) vi.stubEnv(name, value);
  bench = await StoreBench.open();
  worker = await bench.worker(await findContainerEngine());
});
beforeEach((context) => {
  if (typeof podman === "string") context.skip(podman);
});
afterAll(async () => {
  await bench?.close();
  if (typeof podman === "object") await podman.close();
  vi.unstubAllEnvs();
  removeBuilt();
});

const engine = () => podman as Podman;
const contained = () => ({ kind: "container", image: engine().image }) as const;

test("a node says which engine it has", async () => {
  expect(await findContainerEngine()).toMatchObject({
    engine: { name: "podman" },
    labels: { "weft.container": "podman" },
  });
});

test("a task in a container has its folder, variables, outputs and exit code, and leaves no container", async () => {
  const code = await bench.submit({ "say.sh*": "#!/bin/sh\necho said\n" });
  const parts = {
    code,
    environment: contained(),
    inputs: [await bench.fileInput("x", "what went in\n")],
    outputs: [{ name: "o", path: "out/o.txt" }],
    env: { LINES: "one\ntwo $HOME", LD_X: "x y" },
  };
  const script =
    'ls /; ./say.sh; cat "$WEFT_INPUT_X"; cat "$WEFT_INPUT_X" > "$WEFT_OUTPUT_O"; echo "$LINES$LD_X" $PATH; id -u';
  const [ended, out] = await run(worker, script, parts);
  expect(out.split("\n").filter((line) => ["bin", "usr"].includes(line))).toEqual(["bin"]);
  expect(out).toContain(
    `said\nwhat went in\none\ntwo $HOMEx y /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n${process.getuid!()}\n`,
  );
  expect(ended).toMatchObject({
    outcome: { kind: "succeeded" },
    message: "",
    environmentDigest: engine().image.split("@")[1],
    outputs: [{ name: "o", bytes: 13 }],
  });
  const failing = await worker.run(["/bin/sh", "-c", "echo no >&2; exit 7"], { environment: contained() });
  expect(failing).toMatchObject({
    outcome: { kind: "failed", reason: "exit" },
    exitCode: 7,
    message: "exit code 7: no",
  });
  expect(await engine().containers()).toEqual([]);
});

test("what it writes belongs to the agent's user", async () => {
  const parts = { environment: contained(), outputs: [{ name: "o", path: "o" }] };
  const made = assignment("echo up > o; echo up; sleep 60", parts);
  worker.worker.start(made);
  await worker.line(keyOf(made), "up");
  expect(statSync(join(worker.dir, "attempts", keyOf(made), "workspace/o")).uid).toBe(process.getuid!());
  worker.worker.stop(keyOf(made), "cancelled", 0);
  expect(await worker.ended(keyOf(made))).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" } });
  expect(await engine().containers()).toEqual([]);
});

test("a stop lets it end in its time of grace, and kills what does not", async () => {
  const start = (script: string) => {
    const made = assignment(script, { environment: contained() });
    worker.worker.start(made);
    return keyOf(made);
  };
  const willing = start("trap 'echo saved; exit 0' TERM; echo up; sleep 600 & wait");
  const stubborn = start("trap '' TERM; echo up; (sleep 600) & while true; do sleep 600; done");
  for (const key of [willing, stubborn]) await worker.line(key, "up");
  worker.worker.stop(willing, "cancelled", 60_000);
  expect(await worker.ended(willing)).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" } });
  expect(worker.stdout(willing)).toBe("up\nsaved\n");
  worker.worker.stop(stubborn, "cancelled", 300);
  expect(await worker.ended(stubborn)).toMatchObject({ outcome: { kind: "stopped", reason: "cancelled" } });
  expect(await engine().containers()).toEqual([]);
});

test("who steps in is in the container", async () => {
  const made = assignment("echo up; sleep 600", { environment: contained(), env: { COLOUR: "blue" } });
  worker.worker.start(made);
  await worker.line(keyOf(made), "up");
  const script = "cat; ls / | head -n 1; echo $COLOUR; exit 9";
  const command = await worker.worker.exec(keyOf(made), { argv: ["/bin/sh", "-c", script], terminal: null });
  await command.write(Buffer.from("said\n"));
  await command.endInput();
  let out = "";
  for await (const output of command.output) out += output.kind === "exit" ? `${output.exitCode}` : output.bytes;
  expect(out).toBe("said\nbin\nblue\n9");
  worker.worker.stop(keyOf(made), "cancelled", 0);
  await worker.ended(keyOf(made));
});

test("the engine holds it to its memory limit, and the attempt says so", async () => {
  // /dev/zero in memory: tail keeps the last line, which never ends.
  const ended = await worker.run("tail -n 1 /dev/zero", { environment: contained(), ...limited(32) });
  expect(ended).toMatchObject({ outcome: { kind: "failed", reason: "out-of-memory" } });
  expect(ended.message).toContain("memory limit of 32 MiB");
});

test("an image that cannot be had fails the attempt with the engine's own words", async () => {
  const image = `localhost:1/none@sha256:${"0".repeat(64)}`;
  const ended = await worker.run("true", { environment: { kind: "container", image } });
  expect(ended).toMatchObject({ outcome: { kind: "failed", reason: "environment-failed" }, startedAtMs: null });
  expect(ended.message).toMatch(/podman pull localhost:1\/none@sha256:0+ failed[^]*connection refused/);
});

test("the next runner removes the container of one that was killed", async () => {
  const made = assignment("echo up; sleep 600", { environment: contained() });
  worker.worker.start(made);
  await worker.line(keyOf(made), "up");
  const { runnerPid } = worker;
  process.kill(runnerPid!, "SIGKILL");
  expect(await worker.ended(keyOf(made))).toMatchObject({ outcome: { kind: "lost", reason: "runner-lost" } });
  await until(async () => (await engine().containers()).length === 0, "its container to go");
  expect(isAlive(runnerPid!)).toBe(false);
});
