import { agentCommand } from "../../cli/commands/agent.ts";

// `weft agent` as a program of its own, for tests that kill it.
await agentCommand().parseAsync();
