import type { Pool } from "pg";
import type { StoredSpec } from "../lib/core/pipeline/stored.ts";
import type { JobId, NodeId } from "../lib/core/ids.ts";
import type { JobProgress, JobRow, JobState, TaskRow } from "./core/index.ts";
import {
  findByIdempotencyKeys,
  jobHead,
  jobProgress,
  type JobRecord,
  type ProgressRecord,
  PROGRESS_COLUMNS,
  ROW_COLUMNS,
  type StoredJob,
  storedJob,
} from "./job-store.ts";
import { countMaps, readMaps } from "./map-store.ts";
import { countInstances, type KnownMaps, type TaskShape } from "./shape.ts";
import { countTaskRows, readTasks } from "./task-store.ts";

/** Jobs on one page of a list; more would only make a slow answer. */
export const LIST_LIMIT_MAX = 1_000;

export interface ListQuery {
  /** Empty: all. */
  readonly states: readonly JobState[];
  /** Empty: any. */
  readonly pipeline: string;
  /** The last job of the page before; null: the first page. */
  readonly before: JobId | null;
  /** 1 to LIST_LIMIT_MAX. */
  readonly limit: number;
}

export interface ListedJob {
  readonly row: Omit<JobRow, "spec">;
  readonly progress: JobProgress;
  /** All instances by state, those without a row too. */
  readonly counts: Readonly<Record<string, number>>;
}

/** What people ask about jobs; any server may answer it. */
export class JobReader {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Ids that begin with the prefix; one that equals it comes first. */
  async findIds(prefix: string, limit: number): Promise<JobId[]> {
    // Nothing else is in an id, and "%" or "_" would match anything.
    if (!/^[0-9a-z]+$/.test(prefix)) return [];
    const { rows } = await this.#pool.query<{ id: JobId }>(
      `select id from jobs where id like $1 order by id = $2 desc, id limit $3`,
      [`${prefix}%`, prefix, limit],
    );
    return rows.map((row) => row.id);
  }

  /** With the rows of its instances, which are at least as new as the job: it never seems to have ended before them. */
  async getJob(id: JobId): Promise<(StoredJob & { tasks: TaskRow[]; maps: KnownMaps }) | undefined> {
    const { rows } = await this.#pool.query<JobRecord & { spec: StoredSpec }>({
      name: "read-job",
      text: `select ${PROGRESS_COLUMNS}, ${ROW_COLUMNS}, spec from jobs where id = $1`,
      values: [id],
    });
    if (!rows[0]) return undefined;
    // Rows after their list: a task whose rows are there has its list here.
    const tasks = await readTasks(this.#pool, id);
    const maps = await readMaps(this.#pool, id);
    return { ...storedJob(rows[0]), tasks, maps: new Map(maps.map((row) => [row.task, row])) };
  }

  async getProgress(id: JobId): Promise<JobProgress | undefined> {
    const { rows } = await this.#pool.query<ProgressRecord>({
      name: "read-progress",
      text: `select ${PROGRESS_COLUMNS} from jobs where id = $1`,
      values: [id],
    });
    return rows[0] && jobProgress(rows[0]);
  }

  /** Newest first. */
  async listJobs(query: ListQuery): Promise<ListedJob[]> {
    const limit = Math.min(Math.max(1, query.limit), LIST_LIMIT_MAX);
    const states = query.states.length > 0 ? query.states : null;
    // Not a named statement: Postgres plans it for the conditions that are really set. The order is that of the indexes.
    const { rows } = await this.#pool.query<JobRecord & { shape: readonly TaskShape[] }>(
      `select ${PROGRESS_COLUMNS}, ${ROW_COLUMNS}, shape from jobs
       where ($1::text[] is null or state = any($1)) and ($2 = '' or pipeline = $2)
         and ($3::text is null or (submitted_at_ms, id) < (select submitted_at_ms, id from jobs where id = $3))
       order by submitted_at_ms desc nulls last, id desc nulls last limit $4`,
      [states, query.pipeline, query.before, limit],
    );
    const ids = rows.map((row) => row.id);
    const counts = await countTaskRows(this.#pool, ids);
    const maps = new Map((await countMaps(this.#pool, ids)).map((row) => [`${row.job}.${row.task}`, row.count]));
    const shape = (row: (typeof rows)[number]): TaskShape[] =>
      row.shape.map((task) => ({ ...task, instances: maps.get(`${row.id}.${task.name}`) ?? task.instances }));
    return rows.map((row) => ({
      row: jobHead(row),
      progress: jobProgress(row),
      counts: countInstances(
        maps.size === 0 ? row.shape : shape(row),
        counts.get(row.id) ?? new Map(),
        jobProgress(row),
      ),
    }));
  }

  async findByIdempotencyKey(key: string): Promise<{ id: JobId; instances: number } | undefined> {
    const [known] = await findByIdempotencyKeys(this.#pool, [key]);
    return known && { id: known.job, instances: known.instances };
  }

  async nodeNames(): Promise<Map<NodeId, string>> {
    const { rows } = await this.#pool.query<{ id: NodeId; name: string }>(`select id, name from nodes`);
    return new Map(rows.map((row) => [row.id, row.name]));
  }
}
