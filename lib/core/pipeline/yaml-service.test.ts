import { expect, test } from "vitest";
import { type fromProto, toProto } from "./canonical.ts";
import { readPipeline } from "./yaml.ts";

const yaml = (task: string, more = ""): string => `pipeline: p\ntasks:\n  web: { run: serve, ${task} }\n${more}`;

function taskOf(text: string) {
  const parsed = readPipeline(text, "weft.yaml");
  if (!parsed.ok) throw new Error(parsed.issues.map(({ message }) => message).join("\n"));
  return parsed.spec.tasks[0]!;
}

function wrong(task: string, more = ""): string {
  const parsed = readPipeline(yaml(task, more), "weft.yaml");
  return parsed.ok ? "" : parsed.issues.map(({ message }) => message).join("\n");
}

test("a service is read with its defaults, and travels unchanged", () => {
  const text = yaml(
    "keepOutputs: always, service: { port: 8080, readiness: { http: /ok }, liveness: { command: [check, now], period: 10s, timeout: 5s, failures: 1 }, restart: always, backoff: 2s }",
  );
  const task = taskOf(text);
  expect(task).toMatchObject({
    keepOutputs: true,
    service: {
      port: 8080,
      readiness: { check: { kind: "http", path: "/ok", port: 8080 }, periodMs: 2_000, timeoutMs: 1_000, failures: 3 },
      liveness: { check: { kind: "command", argv: ["check", "now"] }, periodMs: 10_000, timeoutMs: 5_000, failures: 1 },
      restart: "always",
      backoffMs: 2_000,
      backoffMsMax: 300_000,
    },
  });
  const parsed = readPipeline(text, "weft.yaml");
  if (!parsed.ok) throw new Error("read before");
  // As it comes off the wire: every field is there.
  const message = JSON.parse(JSON.stringify(toProto(parsed.spec))) as Parameters<typeof fromProto>[0];
  expect(message.tasks[0]!.service!.readiness).toMatchObject({ http: "/ok", port: 8080 });
});

test("tcp takes a port or the service's own, and a command may be a line for the shell", () => {
  expect(taskOf(yaml("service: { port: 5, readiness: { tcp: true } }")).service!.readiness!.check).toEqual({
    kind: "tcp",
    port: 5,
  });
  expect(taskOf(yaml("service: { readiness: { tcp: 6 } }")).service!.readiness!.check).toEqual({
    kind: "tcp",
    port: 6,
  });
  expect(taskOf(yaml("service: { readiness: { command: test -e up } }")).service!.readiness!.check).toEqual({
    kind: "command",
    argv: ["/bin/sh", "-c", "test -e up"],
  });
});

test("what makes no sense in a service is named with what would", () => {
  expect(wrong("service: { readiness: { http: /ok } }")).toContain("which port to ask; give service.port");
  expect(wrong("service: { readiness: { http: /ok, tcp: 7 } }")).toContain(
    "give one of http (a path), tcp and command",
  );
  expect(wrong("service: { readiness: { http: ok, port: 1 } }")).toContain('write one like "/healthz"');
  expect(wrong("service: { port: 70000 }")).toContain("70000 is no port");
  expect(wrong("service: { restart: sometimes }")).toContain('"sometimes" is no restart policy');
  expect(wrong("service: { prot: 1 }")).toContain('did you mean "port"');
  expect(wrong("service: { port: 1 }, retries: 2")).toContain("restarted by its restart policy");
  expect(wrong("service: { port: 1 }, nodes: 2")).toContain("a service runs on one node");
  expect(wrong("keepOutputs: sometimes")).toContain('"always" would be right');
});

test("a task can wait for a service's readiness, and for nothing that comes with its end", () => {
  const service = "service: { port: 1 }, outputs: { o: o }";
  expect(wrong(service, "  use: { needs: [web], run: x }")).toBe("");
  expect(wrong(service, "  use: { inputs: { o: web.o }, run: x }")).toContain("has none before the job ends");
  expect(wrong(service, "  use: { needs: [web], when: always, run: x }")).toContain("ends only with the job");
});
