import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type JobJson, weft, weftJson } from "../support/command.ts";
import { type Cluster, startCluster } from "../support/parts.ts";

const LIMIT_MS = 120_000;

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, LIMIT_MS);
afterAll(() => cluster?.stop(), LIMIT_MS);

let files = 0;
function pipeline(text: string): string {
  const folder = join(cluster.bare.folder, `pipeline-${(files += 1)}`);
  mkdirSync(folder);
  writeFileSync(join(folder, "weft.yaml"), text);
  return join(folder, "weft.yaml");
}

/** Runs a pipeline to its end, as a user does. */
async function run(text: string, ...flags: string[]): Promise<JobJson> {
  const shown = await weft(cluster.server.grpc, ["submit", pipeline(text), "--follow", ...flags]);
  const id = /^job (\S+)/m.exec(shown.stdout.toString())?.[1];
  if (id === undefined) throw new Error(`${shown.stdout.toString()}${shown.stderr}`);
  return weftJson<JobJson>(cluster.server.grpc, ["job", id]);
}

const states = (job: JobJson): string[] => job.tasks.map(({ name, index, state }) => `${name}[${index}] ${state}`);

const FAN_OUT = `
pipeline: fan-out
params: { least: 2 }
tasks:
  list:
    run: |
      printf '{"files": [{"file": "a b", "size": 1}, {"file": "it'"'"'s", "size": 3}], "note": "x\\u0024HOME"}' > $WEFT_RESULT
  fit:
    needs: list
    map: { from: tasks.list.result.files, as: [file, size] }
    run: |
      test "{{ tasks.list.result.note }}" = 'x$HOME'
      printf '{"file": "%s", "size": %s}' {{ map.file }} "$WEFT_MAP_SIZE" > $WEFT_RESULT
    outputs: {}
  best:
    needs: fit
    if: tasks.fit.result.exists(r, r.size > params.least)
    run: echo '{{ tasks.fit.result.1.file }}' > $WEFT_RESULT; false || test '{{ tasks.fit.result.1.file }}' = "it's"
  none:
    needs: fit
    if: size(tasks.fit.failed) > 0
    run: exit 1
  bad:
    needs: fit
    if: tasks.fit.result[0].nothing
    run: exit 1
  last:
    needs: [best, none, bad]
    when: always
    run: "true"
`;

test("lists, conditions and results go from task to task", { timeout: LIMIT_MS }, async () => {
  const job = await run(FAN_OUT);
  expect(states(job)).toEqual([
    "list[0] succeeded",
    "fit[0] succeeded",
    "fit[1] succeeded",
    "best[0] succeeded",
    "none[0] skipped",
    "bad[0] failed",
    "last[0] succeeded",
  ]);
  expect(job.state).toBe("failed");
  expect(job.reason).toContain("bad: its condition (tasks.fit.result[0].nothing) cannot be told: No such key: nothing");
  expect(job.tasks[2]).toMatchObject({ map: { file: "it's", size: 3 }, result: { file: "it's", size: 3 } });
  const why = await weftJson<{ reasons: { message: string }[] }>(cluster.server.grpc, ["explain", job.id, "none"]);
  expect(why.reasons[0]?.message).toContain("its condition is false: size(tasks.fit.failed) > 0");
  const listed = await weftJson<{ counts: Record<string, number> }[]>(cluster.server.grpc, ["jobs"]);
  expect(listed[0]?.counts).toEqual({ succeeded: 5, skipped: 1, failed: 1 });
});

test("a task waits until one who may has approved it", { timeout: LIMIT_MS }, async () => {
  const text = `
pipeline: gated
tasks:
  gate: { approve: { by: [ann], message: ship it? } }
  ship: { needs: gate, run: 'test {{ tasks.gate.result.by }} = ann' }
`;
  const { id } = await weftJson<{ id: string }>(cluster.server.grpc, ["submit", pipeline(text)]);
  const asked = await weftJson<JobJson>(cluster.server.grpc, ["job", id]);
  expect(states(asked)).toEqual(["gate[0] waiting", "ship[0] pending"]);
  const refused = await weft(cluster.server.grpc, ["approve", id, "gate", "--as", "eve"]);
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('"eve" is not among them')]);
  const given = await weftJson<object>(cluster.server.grpc, [
    "approve",
    id,
    "gate",
    "--as",
    "ann",
    "--comment",
    "it's fine",
  ]);
  expect(given).toEqual({ id, task: "gate", approved: true, by: "ann" });
  expect((await weft(cluster.server.grpc, ["job", id, "--watch"])).exitCode).toBe(0);
  const done = await weftJson<JobJson>(cluster.server.grpc, ["job", id]);
  expect(done.tasks[0]).toMatchObject({ message: "approved by ann: it's fine", result: { approved: true, by: "ann" } });
});

test("a retry takes over what succeeded, a rerun nothing", { timeout: LIMIT_MS }, async () => {
  const flag = join(cluster.bare.folder, "flag");
  const text = `
pipeline: again
tasks:
  list:
    run: echo '["x", "y"]' > $WEFT_RESULT
  fit:
    needs: list
    map: { from: tasks.list.result }
    run: test {{ map.item }} = x || test -e ${flag}; echo done > out
    outputs: { out: out }
  sum:
    inputs: { outs: fit.out }
    run: cat inputs/outs/*/out | wc -l > $WEFT_RESULT
`;
  const failed = await run(text);
  expect(states(failed)).toEqual(["list[0] succeeded", "fit[0] succeeded", "fit[1] failed", "sum[0] skipped"]);
  writeFileSync(flag, "");
  const again = await weft(cluster.server.grpc, ["retry", failed.id, "--follow", "--json"]);
  const retried = JSON.parse(again.stdout.toString()) as JobJson & { trigger: string };
  expect([retried.state, retried.trigger]).toEqual(["succeeded", `retry of ${failed.id}`]);
  expect(retried.tasks.map(({ attempt, reason }) => [attempt, reason])).toEqual([
    [0, "taken-over"],
    [0, "taken-over"],
    [1, null],
    [1, null],
  ]);
  expect(retried.tasks[3]?.result).toBe(2);
  const nothing = await weft(cluster.server.grpc, ["retry", retried.id]);
  expect([nothing.exitCode, nothing.stderr]).toEqual([2, expect.stringContaining("weft rerun")]);
  const whole = await weft(cluster.server.grpc, ["rerun", failed.id, "--follow", "--json"]);
  const rerun = JSON.parse(whole.stdout.toString()) as JobJson;
  expect(rerun.tasks.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1]);
});

test("the same work is not done again, and says where its result is from", { timeout: LIMIT_MS }, async () => {
  const ran = join(cluster.bare.folder, "ran");
  const text = (what: string) => `
pipeline: cached
tasks:
  make:
    run: echo ran >> ${ran}; echo ${what} > out; echo '{"of":1}' > $WEFT_RESULT
    outputs: { out: out }
    cache: true
  use:
    inputs: { it: make.out }
    if: tasks.make.result.of == 1
    run: cat {{ inputs.it }}
`;
  const first = await run(text("one"));
  expect(first.tasks.map(({ attempt, state }) => [attempt, state])).toEqual([
    [1, "succeeded"],
    [1, "succeeded"],
  ]);
  const second = await run(text("one"));
  expect(second.state).toBe("succeeded");
  expect(second.tasks[0]).toMatchObject({
    attempt: 0,
    reason: "cached",
    cache: `hit: ${first.id}.make.0.1`,
    result: { of: 1 },
  });
  expect(readFileSync(ran, "utf8")).toBe("ran\n");
  const lineage = await weftJson<{ executions: { id: string; message: string }[] }>(cluster.server.grpc, [
    "lineage",
    second.id,
  ]);
  expect(lineage.executions[0]).toMatchObject({
    id: `${second.id}.make.0.0`,
    message: expect.stringContaining("result cache"),
  });
  const third = await run(text("two"));
  expect(third.tasks[0]).toMatchObject({ attempt: 1, cache: `miss: since ${first.id}.make.0.1 command changed` });
  const why = await weftJson<{ reasons: { kind: string; message: string }[] }>(cluster.server.grpc, [
    "explain",
    third.id,
    "make",
  ]);
  expect(why.reasons).toContainEqual(expect.objectContaining({ kind: "cache" }));
});

test(
  "a pipeline stands in another: values in, results and outputs out, and its failure is the job's",
  { timeout: LIMIT_MS },
  async () => {
    const file = pipeline(`
pipeline: outer
params: { n: 3 }
tasks:
  sub: { pipeline: ./inner.yaml, params: { of: "{{ params.n }}" } }
  use: { needs: [sub, sub-count], inputs: { made: sub-count.made }, run: 'grep -x "{{ tasks.sub-count.result }}" {{ inputs.made }}' }
  again: { pipeline: ./inner.yaml, params: { of: 7, fail: 1 }, needs: use }
  never: { needs: again, run: "true" }
  mourn: { needs: again, when: failed, run: "true" }
`);
    const inner = `
pipeline: inner
params: { of: 1, fail: 0 }
tasks:
  count:
    run: |
      echo $WEFT_PARAM_OF{{ params.of }} | tee $WEFT_RESULT > made
      exit $WEFT_PARAM_FAIL
    outputs: { made: made }
  clean: { needs: count, when: always, run: "true" }
`;
    writeFileSync(join(file, "../inner.yaml"), inner);
    const { exitCode, stdout, stderr } = await weft(cluster.server.grpc, [
      "submit",
      file,
      "--follow",
      "--json",
      "--param",
      "n=4",
    ]);
    expect([exitCode, stderr]).toEqual([1, ""]);
    const job = JSON.parse(stdout.toString()) as JobJson;
    expect(states(job)).toEqual([
      "sub-count[0] succeeded",
      "sub-clean[0] succeeded",
      "sub[0] succeeded",
      "use[0] succeeded",
      "again-count[0] failed",
      "again-clean[0] succeeded",
      "again[0] failed",
      "never[0] skipped",
      "mourn[0] succeeded",
    ]);
    expect(job.tasks[0]!.result).toBe(44);
    const why = await weft(cluster.server.grpc, ["explain", job.id, "again"]);
    expect(why.stdout.toString()).toContain("again-count of its pipeline failed");
    const retried = await weft(cluster.server.grpc, ["retry", job.id, "--follow", "--json"]);
    const second = JSON.parse(retried.stdout.toString()) as JobJson;
    expect(second.tasks.filter(({ reason }) => reason === "taken-over").map(({ name }) => name)).toEqual([
      "sub-count",
      "sub-clean",
      "sub",
      "use",
    ]);
    expect(second.state).toBe("failed");
  },
);

test("the example of pipelines in a pipeline keeps the better of two models", { timeout: LIMIT_MS }, async () => {
  const example = new URL("../../examples/sub-pipelines", import.meta.url).pathname;
  const { exitCode, stdout, stderr } = await weft(cluster.server.grpc, ["submit", example, "--follow", "--json"]);
  expect([exitCode, stderr]).toEqual([0, ""]);
  const job = JSON.parse(stdout.toString()) as JobJson;
  const logs = await weft(cluster.server.grpc, ["logs", job.id, "best"]);
  expect(logs.stdout.toString()).toMatch(/the better one: 2 /);
});

test("a backfill makes a job for each date, so many at once", { timeout: LIMIT_MS }, async () => {
  const file = pipeline(`
pipeline: daily
params: { date: "", n: 1 }
tasks:
  day: { run: 'echo "\\"{{ params.date }}\\"" > $WEFT_RESULT' }
`);
  const range = ["backfill", file, "--param", "date", "--from", "2024-02-28", "--to", "2024-03-01", "--limit", "2"];
  const made = await weftJson<{ id: string; jobs: { id: string; value: string }[] }>(cluster.server.grpc, range);
  expect(made.jobs.map(({ value }) => value)).toEqual(["2024-02-28", "2024-02-29", "2024-03-01"]);
  for (const { id, value } of made.jobs) {
    expect((await weft(cluster.server.grpc, ["job", id, "--watch"])).exitCode).toBe(0);
    expect((await weftJson<JobJson>(cluster.server.grpc, ["job", id])).tasks[0]?.result).toBe(value);
  }
  const again = await weftJson<{ jobs: { existing: boolean }[] }>(cluster.server.grpc, [...range, "--id", made.id]);
  expect(again.jobs.map(({ existing }) => existing)).toEqual([true, true, true]);
});

test("an expression that cannot be read is refused with its line and column", { timeout: LIMIT_MS }, async () => {
  const file = pipeline(
    `pipeline: p\ntasks:\n  a:\n    run: "true"\n  b:\n    needs: a\n    run: "true"\n    if: tasks.c.result >\n`,
  );
  const { exitCode, stderr } = await weft(cluster.server.grpc, ["submit", file]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain("weft.yaml:8:9: if: Unexpected token: EOF");
});
