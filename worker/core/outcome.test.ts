import { expect, test } from "vitest";
import type { Assignment } from "../../lib/core/dispatch.ts";
import { judge, type Exit } from "./outcome.ts";

const assignment = {
  run: { kind: "command", argv: ["train"] },
  resources: { cpuMillis: 1000, memoryBytes: 2 ** 30, diskBytes: 0, gpuMillis: 0, gpu: null },
  timeoutMs: 90_000,
} as unknown as Assignment;
const around = { stderrLine: "", diskBytesFree: 2 ** 40, folder: "/a" };

function verdict(parts: Partial<Exit>, surroundings: Partial<typeof around> = {}) {
  const exit: Exit = {
    startedAtMs: 1,
    endedAtMs: 2,
    exitCode: null,
    signal: null,
    stopped: null,
    spawnError: null,
    outOfMemory: null,
    leftovers: 0,
    unkillable: 0,
    usage: { peakMemoryBytes: 900 * 2 ** 20 },
    ...parts,
  };
  const { outcome, message } = judge(exit, assignment, { ...around, ...surroundings });
  return `${outcome.kind} ${outcome.kind === "succeeded" ? "" : outcome.reason}: ${message}`;
}

test("each way to end has its reason and a sentence with the values", () => {
  const rows: [string, string][] = [
    [verdict({ exitCode: 0 }), "succeeded : "],
    [verdict({ exitCode: 0, leftovers: 1 }), "succeeded : 1 process that it had left running was killed"],
    [verdict({ exitCode: 0, leftovers: 2 }), "succeeded : 2 processes that it had left running were killed"],
    [verdict({ exitCode: 3 }, { stderrLine: "KeyError: 'x'" }), "failed exit: exit code 3: KeyError: 'x'"],
    [verdict({ exitCode: 127 }), "failed exit: exit code 127 (by convention: a command was not found)"],
    [
      verdict({ exitCode: 143 }),
      "failed exit: exit code 143 (by convention: a process it waited for was killed by signal 15)",
    ],
    [verdict({ signal: "SIGSEGV" }), "failed signal: killed by SIGSEGV, which Weft did not send"],
    [verdict({ signal: "SIGTERM", stopped: "timeout" }), "failed timeout: ran longer than its timeout of 90 s"],
    [verdict({ exitCode: 0, stopped: "cancelled" }), "stopped cancelled: cancelled"],
    [
      verdict({ exitCode: 1 }, { diskBytesFree: 100 }),
      "lost disk-full: the disk of /a is full: 100 bytes are free; free space there, or start the agent with its folder on a larger disk",
    ],
    [
      verdict({ signal: "SIGKILL", outOfMemory: { limitBytes: 2 ** 30, seenBy: "cgroup" } }),
      "failed out-of-memory: reached its memory limit of 1024 MiB; it used up to 900 MiB; raise resources.memory, or let it use less",
    ],
    [
      verdict({ signal: "SIGKILL", outOfMemory: { limitBytes: 0, seenBy: "kernel" } }),
      "failed out-of-memory: the machine had no memory left and the kernel killed it; it used up to 900 MiB; ask for what it needs under resources.memory",
    ],
  ];
  for (const [found, wanted] of rows) expect(found).toBe(wanted);
});

test("a task that coped with a killed child has succeeded", () => {
  expect(verdict({ exitCode: 0, outOfMemory: { limitBytes: 1, seenBy: "cgroup" } })).toBe("succeeded : ");
});

test("what is the platform's doing is lost and not failed", () => {
  for (const stopped of ["lease-lost", "node-stopped", "drained", "runner-lost"] as const) {
    expect(verdict({ signal: "SIGTERM", stopped })).toMatch(`lost ${stopped}: `);
  }
  expect(verdict({ spawnError: "EAGAIN", startedAtMs: null })).toBe(
    'lost node-stopped: the node could not start "train": EAGAIN',
  );
});
