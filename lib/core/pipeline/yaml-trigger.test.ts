import { describe, expect, test } from "vitest";
import { packageDefinition } from "../../../proto/channel.ts";
import type { PipelineSpec__Output } from "../../../proto/gen/weft/v1/PipelineSpec.ts";
import { fromProto, toProto } from "./canonical.ts";
import type { PipelineSpec } from "./spec.ts";
import { readPipeline } from "./yaml.ts";

const tail = `params: { day: "", order: 0 }\ntasks: { a: { run: "true" } }\n`;
const file = (text: string): string => `pipeline: p\n${text}${tail}`;

function specOf(text: string): PipelineSpec {
  const read = readPipeline(file(text), "weft.yaml");
  if (!read.ok)
    throw new Error(read.issues.map(({ line, column, message }) => `${line}:${column}: ${message}`).join("\n"));
  return read.spec;
}

function issuesOf(text: string): string[] {
  const read = readPipeline(file(text), "weft.yaml");
  return read.ok ? [] : read.issues.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

/** Over the wire and back. */
function roundTrip(spec: PipelineSpec): unknown {
  const type = packageDefinition()["weft.v1.JobService"] as unknown as {
    Submit: {
      requestSerialize(value: object): Buffer;
      requestDeserialize(bytes: Buffer): { pipeline: PipelineSpec__Output };
    };
  };
  const sent = type.Submit.requestDeserialize(type.Submit.requestSerialize({ pipeline: toProto(spec) }));
  const read = fromProto(sent.pipeline);
  return read.ok ? read.spec : read.issues;
}

const PLAIN = { params: {}, dedupeWindowMs: 0, dedupeKey: "", cooldownMs: 0 };

describe("on:", () => {
  test("short forms", () => {
    const spec = specOf(
      'on:\n  schedule: "0 3 * * *"\n  nats: orders.*\n  webhook: github\n  data: extract.table\n  job: extract\n  manual: true\n',
    );
    expect(spec.triggers).toEqual([
      {
        ...PLAIN,
        name: "schedule",
        source: { kind: "schedule", cron: "0 3 * * *", timezone: "UTC", missed: "once", missedMax: 24 },
      },
      { ...PLAIN, name: "nats", source: { kind: "nats", subject: "orders.*" } },
      { ...PLAIN, name: "webhook", source: { kind: "webhook", signature: "github" }, dedupeWindowMs: 86_400_000 },
      { ...PLAIN, name: "data", source: { kind: "data", pipeline: "extract", task: null, output: "table" } },
      { ...PLAIN, name: "job", source: { kind: "job", pipeline: "extract", states: ["succeeded"] } },
      { ...PLAIN, name: "manual", source: { kind: "manual" } },
    ]);
    expect(roundTrip(spec)).toEqual(spec);
  });

  test("long forms, several of a kind, and what every kind has", () => {
    const spec = specOf(`on:
  schedule:
    - { name: nightly, cron: "0 3 * * *", timezone: Europe/Berlin, missed: all, missedMax: 7, params: { day: "{{ tick.date }}" } }
    - { name: hourly, cron: "@hourly", missed: skip, cooldown: 2h }
  webhook: { signature: github, dedupe: 0s }
  nats: { subject: "orders.>", dedupe: { window: 10m, key: "{{ payload.id }}" }, params: { order: "{{ payload.id }}" } }
  data: { pipeline: extract, task: features, output: table }
  job: { pipeline: extract, states: [failed, cancelled] }
`);
    expect(
      spec.triggers?.map(({ name, cooldownMs, dedupeWindowMs, dedupeKey }) => [
        name,
        cooldownMs,
        dedupeWindowMs,
        dedupeKey,
      ]),
    ).toEqual([
      ["nightly", 0, 0, ""],
      ["hourly", 7_200_000, 0, ""],
      ["webhook", 0, 0, ""],
      ["nats", 0, 600_000, "{{ payload.id }}"],
      ["data", 0, 0, ""],
      ["job", 0, 0, ""],
    ]);
    expect(spec.triggers?.[0]?.params).toEqual({ day: "{{ tick.date }}" });
    expect(roundTrip(spec)).toEqual(spec);
  });

  test("a pipeline without it is as before", () => {
    expect(specOf("")).not.toHaveProperty("triggers");
    expect(specOf("on: { manual: true }\n")).not.toHaveProperty("notify");
  });

  test.each([
    [
      "a time zone that does not exist",
      'on: { schedule: { cron: "0 3 * * *", timezone: Europe/Berlyn } }\n',
      '2:48: there is no time zone "Europe/Berlyn"; give a name of the IANA database, like Europe/Berlin or UTC',
    ],
    [
      "a cron that never fires",
      'on: { schedule: "0 3 30 2 *" }\n',
      '2:17: "0 3 30 2 *" never fires: no such day exists; correct its day or month',
    ],
    [
      "two of one name",
      'on: { schedule: ["0 3 * * *", "0 4 * * *"] }\n',
      '2:31: a second trigger is named "schedule"; give one of them another name with "name:"',
    ],
    [
      "an unknown kind",
      "on: { cron: x }\n",
      '2:7: "cron" is not known in "on" (there are: schedule, nats, webhook, data, job, manual)',
    ],
    [
      "an unknown key",
      "on: { nats: { subject: a, topic: b } }\n",
      '2:27: "topic" is not known in trigger "nats" (there are: subject, name, params, dedupe, cooldown)',
    ],
    ["a subject with a space", 'on: { nats: "a b" }\n', /2:13: "a b" is no subject;/],
    [
      "itself",
      "on: { job: p }\n",
      '2:12: pipeline "p" would start itself for ever; name another pipeline, or use a schedule',
    ],
    [
      "an unknown parameter",
      "on: { manual: { params: { dya: 1 } } }\n",
      '2:32: pipeline "p" has no parameter "dya" (did you mean "day"?)',
    ],
    [
      "a placeholder of another kind",
      'on: { job: { pipeline: x, params: { day: "{{ tick.date }}" } } }\n',
      '2:42: {{ tick.date }}: an event of this kind has no "tick" (there are: job, event, trigger)',
    ],
    [
      "a policy that is none",
      'on: { schedule: { cron: "@daily", missed: twice } }\n',
      '2:43: "twice" is not a policy for missed ticks (there are: skip, once, all)',
    ],
    [
      "a signature that is none",
      "on: { webhook: gitlab }\n",
      '2:16: "gitlab" is not a kind of signature (did you mean "github"?)',
    ],
    ["a window too long", "on: { manual: { dedupe: 31d } }\n", '2:25: "dedupe" is 31d; at most 30d is allowed'],
    [
      "nothing at all",
      "on: { schedule: }\n",
      '2:7: "schedule" has no value; give "cron" or a mapping of cron, timezone, missed, missedMax',
    ],
  ])("%s is refused where it stands", (_what, text, message) => {
    const issues = issuesOf(text);
    if (typeof message === "string") expect(issues[0]).toBe(message);
    else expect(issues[0]).toMatch(message);
  });
});

describe("notify:", () => {
  test("webhooks, channels and e-mail", () => {
    const spec = specOf(`notify:
  - { on: [failed, cancelled], webhook: "https://hooks.example.org/x", text: "{{ job.id }} {{ params.day }}" }
  - { on: succeeded, webhook: { channel: ops, format: slack } }
  - { on: [started], email: ops@example.org, subject: "{{ job.state }}" }
`);
    expect(spec.notify?.map(({ on, target }) => [on, target])).toEqual([
      [["failed", "cancelled"], { kind: "webhook", url: "https://hooks.example.org/x", format: "json" }],
      [["succeeded"], { kind: "channel", channel: "ops", format: "slack" }],
      [["started"], { kind: "email", to: ["ops@example.org"], subject: "{{ job.state }}" }],
    ]);
    expect(roundTrip(spec)).toEqual(spec);
  });

  test.each([
    [
      "no state",
      'notify: { webhook: "https://x.y" }\n',
      '2:9: "on" is missing; a list of states would be right, like [failed]',
    ],
    ["an unknown state", 'notify: [{ on: done, webhook: "https://x.y" }]\n', /2:16: "done" is no state to notify of/],
    [
      "nobody",
      "notify: [{ on: failed }]\n",
      "2:10: a notification goes to one of webhook and email; give one of the two",
    ],
    [
      "no URL",
      "notify: [{ on: failed, webhook: nonsense }]\n",
      "2:33: is no URL; an address like https://hooks.example.org/… would be right",
    ],
    [
      "a file",
      "notify: [{ on: failed, webhook: file:///etc/passwd }]\n",
      '2:33: begins with "file:"; an address like https://hooks.example.org/… would be right',
    ],
    [
      "no address",
      "notify: [{ on: failed, email: ops }]\n",
      '2:31: "ops" is no address; ops@example.org is how one looks',
    ],
    [
      "an unknown value",
      'notify: [{ on: failed, email: a@b, text: "{{ job.name }}" }]\n',
      /2:42: {{ job.name }}: there is no job.name/,
    ],
  ])("%s is refused where it stands", (_what, text, message) => {
    const issues = issuesOf(text);
    if (typeof message === "string") expect(issues[0]).toBe(message);
    else expect(issues[0]).toMatch(message);
  });
});
