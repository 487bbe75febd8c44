import { spawn } from "node:child_process";

/**
 * Node alone: runs COMMAND … COUNT times, CONCURRENCY at a time, each in a session of its own as attempts are, and prints
 * the milliseconds it took. A process of its own, because fork copies the page tables of its parent.
 */
const [count, concurrency] = process.argv.slice(2, 4).map(Number) as [number, number];
const [command, ...args] = process.argv.slice(4) as [string, ...string[]];

function run(): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn(command, args, { detached: true, stdio: "ignore" })
      .once("error", reject)
      .once("exit", () => resolve());
  });
}

let begun = 0;
const started = performance.now();
const lane = async (): Promise<void> => {
  while (begun < count) {
    begun += 1;
    await run();
  }
};
await Promise.all(Array.from({ length: concurrency }, lane));
console.log(performance.now() - started);
