import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startWeft } from "../support/command.ts";
import { createDatabase, type TestDatabase } from "../support/database.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { ownFolder } from "../support/parts.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { post, signed } from "../support/trigger.ts";

let database: TestDatabase;
let nats: TestNats;
let server: TestServer;
let folder: string;

beforeAll(async () => {
  [database, nats] = await Promise.all([createDatabase(), startNats()]);
  server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  folder = join(ownFolder("trigger-cli"), "nightly");
  mkdirSync(folder);
});
afterAll(async () => {
  await server?.stop();
  await nats?.stop();
  await database?.drop();
});

async function weft(...args: string[]): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await startWeft(server.address, args).done;
  return { exitCode, stdout: stdout.toString("utf8"), stderr };
}

const json = async (...args: string[]): Promise<unknown> => {
  const { stdout, stderr } = await weft(...args, "--json");
  expect(stderr).toBe("");
  return JSON.parse(stdout);
};

const yaml = (on: string): void =>
  writeFileSync(
    join(folder, "weft.yaml"),
    `pipeline: nightly\nparams: { day: "", n: 1 }\non:\n${on}tasks:\n  a: { run: "true" }\n`,
  );

test(
  "apply, list, show, pause, resume, fire, a webhook, the job's own word, remove",
  { timeout: 120_000 },
  async () => {
    yaml(
      `  schedule: { cron: "0 3 * * *", timezone: Europe/Berlin, params: { day: "{{ tick.date }}" } }\n  webhook: standard\n`,
    );
    const applied = await weft("trigger", "apply", folder);
    expect(applied.stdout).toMatch(
      /^nightly version 1\n {2}nightly.schedule created: next \d{4}-.*\n {2}nightly.webhook created: POST \/hooks\/nightly.webhook, secret whsec_\S+ \(not shown again\)\n$/,
    );
    const [, secret = ""] = /secret (whsec_\S+)/.exec(applied.stdout) ?? [];
    expect(await json("trigger", "apply", folder)).toMatchObject({
      version: 1,
      triggers: [{ change: "unchanged" }, { change: "unchanged", secret: null }],
    });
    expect(await json("trigger", "list")).toMatchObject([
      { name: "nightly.schedule", kind: "schedule", state: "active", source: "0 3 * * * Europe/Berlin (missed: once)" },
      { name: "nightly.webhook", kind: "webhook", hook: "/hooks/nightly.webhook" },
    ]);
    expect((await weft("trigger", "pause", "nightly.schedule")).stdout).toBe("nightly.schedule is paused\n");
    expect((await weft("trigger", "resume", "nightly.schedule")).stdout).toMatch(
      /^nightly.schedule is active; next \d{4}/,
    );

    const fired = (await json("trigger", "fire", "nightly.schedule", "--param", "n=2", "--key", "k")) as {
      jobId: string;
    };
    expect(await json("trigger", "fire", "nightly.schedule", "--key", "k")).toMatchObject({
      jobId: fired.jobId,
      existing: true,
    });
    expect(await json("job", fired.jobId)).toMatchObject({
      trigger: "manual",
      params: { day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/), n: 2 },
      triggeredBy: { trigger: "nightly.schedule", kind: "manual", event: "manual:k", version: 1 },
    });
    expect((await weft("job", fired.jobId)).stdout).toContain("manual nightly.schedule for manual:k (version 1)");

    const sent = await post(server.httpPort, "/hooks/nightly.webhook", "{}", signed(secret, "msg", "{}"));
    expect(sent.status).toBe(202);
    const shown = await weft("trigger", "show", "nightly.webhook");
    expect(shown.stdout).toContain(sent.body.job);
    expect(shown.stdout).not.toContain(secret);
    expect((await weft("trigger", "remove", "nightly.webhook")).stdout).toBe("nightly.webhook is gone\n");
    expect(await json("notifications")).toEqual([]);
  },
);

test(
  "what is wrong is shown where it stands, and a submit says that it registers nothing",
  { timeout: 60_000 },
  async () => {
    yaml(`  schedule: { cron: "0 3 * * *", timezone: Europe/Berlyn }\n`);
    const wrong = await weft("trigger", "apply", folder);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain(`weft.yaml:4:44: there is no time zone "Europe/Berlyn"`);
    yaml(`  manual: true\n`);
    const submitted = await weft("submit", folder);
    expect(submitted.stderr).toBe('its "on:" is not registered by a submit; `weft trigger apply` does that\n');
    const missing = await weft("trigger", "show", "nightly.schedul");
    expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('did you mean "nightly.schedule"?') });
  },
);
