import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";

/** The built file: signals need a process of their own. */
const SHUTDOWN = join(import.meta.dirname, "../dist/lib/shutdown.js");

/** Runs a program that stops in order, does `act` to it once it says so, and gives what it printed and its exit. */
async function stopped(
  body: string,
  act: (child: ReturnType<typeof fork>) => void,
): Promise<{ text: string; code: number | null }> {
  const file = join(mkdtempSync(join(inject("folder"), "shutdown-")), "program.mjs");
  writeFileSync(
    file,
    `import { stopInOrder } from ${JSON.stringify(SHUTDOWN)};
    const say = (line) => console.log(line);
    const alive = setInterval(() => {}, 1000);
    ${body}
    process.send("ready");
    const clean = await shutdown.finished;
    console.log(await shutdown.requested, clean);
    process.exit(clean ? 0 : 1);`,
  );
  const child = fork(file, { silent: true });
  let text = "";
  child.stdout!.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(child, "message");
  // Not "close", which a channel that we closed ourselves keeps from coming.
  const ended = Promise.all([once(child, "exit"), once(child.stdout!, "end")]);
  act(child);
  const [[code]] = (await ended) as unknown as [[number | null]];
  return { text, code };
}

test("steps run one after the other, the last one first, and one that fails does not keep the rest", async () => {
  const body = `const shutdown = stopInOrder({ say });
    shutdown.onStop("first", () => say("first stops"));
    shutdown.onStop("second", async () => { throw new Error("no wish to"); });
    shutdown.onStop("third", async () => say("third stops"));`;
  const { text, code } = await stopped(body, (child) => child.kill("SIGTERM"));
  expect(text).toBe("third stops\nstopping second: no wish to\nfirst stops\nSIGTERM false\n");
  expect(code).toBe(1);
});

test("a step that hangs is left behind after its limit", async () => {
  const body = `const shutdown = stopInOrder({ say, stepLimitMs: 50 });
    shutdown.onStop("first", () => say("first stops"));
    shutdown.onStop("stuck", () => new Promise(() => {}));`;
  const { text } = await stopped(body, (child) => child.kill("SIGINT"));
  expect(text).toBe("stopping stuck: not done after 0.05 s\nfirst stops\nSIGINT false\n");
});

test("the death of the parent asks for a stop", async () => {
  const body = `const shutdown = stopInOrder({ say });
    shutdown.onStop("it", () => say("it stops"));`;
  const { text, code } = await stopped(body, (child) => child.disconnect());
  expect(text).toBe("it stops\nthe process that started this one is gone true\n");
  expect(code).toBe(0);
});

test("a second signal ends the process at once", async () => {
  const body = `const shutdown = stopInOrder({ say, onForced: () => say("forced") });
    shutdown.onStop("stuck", () => {
      setInterval(() => process.send("still stopping"), 100);
      return new Promise(() => {});
    });`;
  const { text, code } = await stopped(body, (child) => {
    child.on("message", () => child.kill("SIGINT"));
    child.kill("SIGINT");
  });
  expect(text).toBe("forced\n");
  expect(code).toBe(130);
});

test("a channel to the parent does not keep a program that has nothing to do", async () => {
  const body = `const shutdown = stopInOrder({ say });
    setTimeout(() => clearInterval(alive), 50);`;
  expect((await stopped(body, () => {})).text).toBe("");
});
