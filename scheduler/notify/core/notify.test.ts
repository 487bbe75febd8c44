import { describe, expect, test } from "vitest";
import type { NotifyRule } from "../../../lib/core/pipeline/notify.ts";
import { job, pipeline, task } from "../../../test/support/build.ts";
import type { JobNews, JobProgress } from "../../core/index.ts";
import { notificationsOf } from "./render.ts";

const rule = (parts: Partial<NotifyRule> = {}): NotifyRule => ({
  on: ["failed"],
  target: { kind: "webhook", url: "https://hooks.example.org/secret", format: "slack" },
  text: "{{ job.pipeline }} {{ job.state }}{{ job.because }} with {{ params.x }}",
  ...parts,
});

function news(progress: Partial<JobProgress>, notify: readonly NotifyRule[]): JobNews {
  const made = job("j1", { ...pipeline(task("a")), notify }, { params: { x: 3 } });
  return {
    row: { ...made, pipeline: "test", project: "default", submittedAtMs: 1_000 },
    progress: {
      id: made.id,
      state: "running",
      startedAtMs: null,
      finishedAtMs: null,
      cancelRequested: false,
      reason: "",
      ...progress,
    },
  };
}

const FAILED = { state: "failed", startedAtMs: 2_000, finishedAtMs: 62_000, reason: "a: exit 1" } as const;

describe("what is sent", () => {
  test("only of the states that the rule names, with its values in", () => {
    const made = notificationsOf(
      news(FAILED, [rule(), rule({ on: ["succeeded"] }), rule({ on: ["started", "failed"] })]),
    );
    expect(made.map(({ id }) => id)).toEqual(["j1.started.2000.2", "j1.failed.62000.0", "j1.failed.62000.2"]);
    expect(made[1]).toMatchObject({
      text: "test failed: a: exit 1 with 3",
      body: { event: "failed", job: { id: "j1", state: "failed", duration: "1m", params: { x: 3 } } },
    });
  });

  test("nothing of a job that nobody is to be told of, that has not begun, or was cancelled before", () => {
    expect(notificationsOf(news(FAILED, []))).toEqual([]);
    expect(notificationsOf(news({ state: "pending" }, [rule({ on: ["started"] })]))).toEqual([]);
    const cancelled = news({ state: "cancelled", startedAtMs: 5, finishedAtMs: 5 }, [
      rule({ on: ["started", "cancelled"] }),
    ]);
    expect(notificationsOf(cancelled).map(({ event }) => event)).toEqual(["cancelled"]);
  });

  test("a subject has one line, and a text has an end", () => {
    const mail = rule({
      target: { kind: "email", to: ["a@b"], subject: "{{ job.state }}\r\nBcc: all@example.org" },
      text: "{{ job.reason }}",
    });
    const [made] = notificationsOf(news({ ...FAILED, reason: "x".repeat(9_000) }, [mail]));
    expect(made!.subject).toBe("failed Bcc: all@example.org");
    expect(made!.text).toHaveLength(4_000);
  });

  test("a job that runs again and fails again is told again", () => {
    const first = notificationsOf(news(FAILED, [rule()]))[0]!;
    const second = notificationsOf(news({ ...FAILED, finishedAtMs: 99_000 }, [rule()]))[0]!;
    expect(second.id).not.toBe(first.id);
  });
});
