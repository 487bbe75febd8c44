import { expect } from "vitest";
import { startWeft } from "./command.ts";
import { createDatabase } from "./database.ts";
import { startNats } from "./nats.ts";
import { ownFolder } from "./parts.ts";
import { startTestServer } from "./server.ts";

/** The command line, as the user ada runs it, and a server of its own. */
export interface TestCli {
  /** Where commands run. */
  readonly folder: string;
  readonly weft: (...args: string[]) => Promise<{ exitCode: number | null; stdout: string; stderr: string }>;
  /** What `--json` prints; the command must succeed. */
  readonly json: (...args: string[]) => Promise<any>;
  readonly stop: () => Promise<void>;
}

export async function startCli(name: string): Promise<TestCli> {
  const [database, nats] = await Promise.all([createDatabase(), startNats()]);
  const server = await startTestServer({ databaseUrl: database.url, natsUrl: nats.url });
  const folder = ownFolder(name);
  const weft: TestCli["weft"] = async (...args) => {
    const variables = { WEFT_USER: "ada", WEFT_ATTEMPT_KEY: undefined };
    const { exitCode, stdout, stderr } = await startWeft(server.address, args, folder, variables).done;
    return { exitCode, stdout: stdout.toString("utf8"), stderr };
  };
  return {
    folder,
    weft,
    json: async (...args) => {
      const { exitCode, stdout, stderr } = await weft(...args, "--json");
      expect([exitCode, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout);
    },
    stop: async () => {
      await server.stop();
      await nats.stop();
      await database.drop();
    },
  };
}
