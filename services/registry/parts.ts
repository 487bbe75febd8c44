import type { NatsConnection } from "@nats-io/nats-core";
import type { ClientBase, Pool } from "pg";
import type { Log } from "../../lib/log.ts";
import type { Change } from "./core/event.ts";
import type { ArtifactStore } from "../artifacts/index.ts";

/** What the registry is given. */
export interface RegistryParts {
  readonly pool: Pool;
  /** Where the files of versions lie. */
  readonly artifacts: ArtifactStore;
  readonly nats: NatsConnection;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** UUID. */
  readonly newId: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Also told of each change, in its transaction; default: nobody is. */
  readonly onChange?: (client: ClientBase, change: Change, nowMs: number) => Promise<void>;
  /** Once changes are committed. */
  readonly told?: () => void;
  readonly log: Log;
}

/** Who does it; empty: nobody said. There are no accounts yet, so that it is what the caller says of itself. */
export type Actor = string;
