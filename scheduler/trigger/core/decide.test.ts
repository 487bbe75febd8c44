import { expect, test } from "vitest";
import type { PipelineSpec } from "../../../lib/core/pipeline/spec.ts";
import { CHAIN_DEPTH_MAX, contentOf, decide, type TriggerEvent, type TriggerFacts } from "./decide.ts";

const MINUTE_MS = 60_000;
const spec: PipelineSpec = {
  name: "p",
  params: { order: 0, note: "none", seed: 1 },
  tasks: [],
  project: "default",
  priority: 0,
};
const stored = { spec, params: { seed: 7 } };

const trigger = (parts: Partial<TriggerFacts> = {}): TriggerFacts => ({
  kind: "webhook",
  params: {},
  dedupeWindowMs: 0,
  dedupeKey: "",
  cooldownMs: 0,
  firedAtMs: null,
  lastContent: null,
  ...parts,
});

const event = (parts: Partial<TriggerEvent> = {}): TriggerEvent => ({
  event: "e1",
  kind: "webhook",
  atMs: 100 * MINUTE_MS,
  content: "c",
  context: { payload: { id: 12, tags: ["a"], who: { name: "it's me" } } },
  params: {},
  force: false,
  depth: 1,
  ...parts,
});

test("parameters: the pipeline's, the version's, the mapping's, those given by hand, each over the one before", () => {
  const mapping = trigger({ params: { order: "{{ payload.id }}", note: "by {{ payload.who.name }}" } });
  expect(decide(mapping, stored, event(), null)).toEqual({
    kind: "accepted",
    params: { order: 12, note: "by it's me", seed: 7 },
  });
  const byHand = event({ kind: "manual", context: {}, params: { order: 1, note: "x" } });
  expect(decide(mapping, stored, byHand, null)).toEqual({ kind: "accepted", params: { order: 1, note: "x", seed: 7 } });
});

test("a list or an object becomes JSON", () => {
  const decision = decide(trigger({ params: { note: "{{ payload.tags }}" } }), stored, event(), null);
  expect(decision).toMatchObject({ kind: "accepted", params: { note: '["a"]' } });
});

test("what the event does not have, or has of another type, is refused and named", () => {
  expect(decide(trigger({ params: { order: "{{ payload.nr }}" } }), stored, event(), null)).toEqual({
    kind: "refused",
    reason: 'parameter "order": there is no payload.nr in the event',
  });
  expect(decide(trigger({ params: { order: "{{ payload.who.name }}" } }), stored, event(), null)).toEqual({
    kind: "refused",
    reason: `parameter "order" is "it's me"; its default is 0, so a number would be right`,
  });
  const polluted = trigger({ params: { note: "{{ payload.__proto__ }}" } });
  expect(decide(polluted, stored, event(), null)).toMatchObject({ kind: "refused" });
});

test("cool-down drops what comes too early, before and after, also when the clock was set back", () => {
  const cooling = (firedMinute: number) => trigger({ cooldownMs: 10 * MINUTE_MS, firedAtMs: firedMinute * MINUTE_MS });
  expect(decide(cooling(95), stored, event(), null)).toEqual({
    kind: "dropped",
    reason: "cool-down: it fired 5m before, and fires once in 10m",
  });
  expect(decide(cooling(105), stored, event(), null).kind).toBe("dropped");
  expect(decide(cooling(90), stored, event(), null).kind).toBe("accepted");
  expect(decide(cooling(10_000), stored, event(), null).kind).toBe("accepted");
});

test("a duplicate is dropped and says of what; by force it fires", () => {
  const window = trigger({ dedupeWindowMs: MINUTE_MS });
  expect(decide(window, stored, event(), "e0")).toEqual({ kind: "dropped", reason: "the same as e0, within 1m" });
  expect(decide(window, stored, event({ force: true }), "e0").kind).toBe("accepted");
});

test("data that has not changed is dropped", () => {
  const data = trigger({ kind: "data", lastContent: "c" });
  expect(decide(data, stored, event({ kind: "data" }), null).kind).toBe("dropped");
  expect(decide(data, stored, event({ kind: "data", content: "d" }), null).kind).toBe("accepted");
});

test("a circle of pipelines comes to an end", () => {
  expect(decide(trigger(), stored, event({ depth: CHAIN_DEPTH_MAX }), null).kind).toBe("accepted");
  expect(decide(trigger(), stored, event({ depth: CHAIN_DEPTH_MAX + 1 }), null).kind).toBe("refused");
});

test("the key of deduplication is the template's, or the event's own", () => {
  expect(contentOf(trigger({ dedupeKey: "{{ payload.id }}" }), event())).toEqual({ ok: true, content: "12" });
  expect(contentOf(trigger(), event())).toEqual({ ok: true, content: "c" });
  expect(contentOf(trigger({ dedupeKey: "{{ payload.nr }}" }), event())).toEqual({
    ok: false,
    reason: 'the key of "dedupe": there is no payload.nr in the event',
  });
  expect(contentOf(trigger({ dedupeKey: "{{ payload.nr }}" }), event({ kind: "manual" }))).toMatchObject({ ok: true });
});
