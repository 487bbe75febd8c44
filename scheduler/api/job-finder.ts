import { WeftError } from "../../lib/core/error.ts";
import type { JobId, NodeId } from "../../lib/core/ids.ts";
import type { JobReader, WholeJob } from "./parts.ts";

/** Ids named when a prefix is ambiguous: enough to see what to type next. */
const AMBIGUOUS_SHOWN = 5;
/** A node may be renamed when it joins again; until then lists show its old name. */
const NAMES_AGE_MS_MAX = 10_000;

/** Finds jobs by what people type, and the names of nodes. */
export class JobFinder {
  readonly #jobs: JobReader;
  #names: ReadonlyMap<NodeId, string> = new Map();
  #namesReadMs = -Infinity;

  constructor(jobs: JobReader) {
    this.#jobs = jobs;
  }

  /** By id or by the first characters of it. Throws `not_found`, `invalid`. */
  async resolve(text: string): Promise<JobId> {
    if (text === "") throw new WeftError("invalid", "no job was named: give its id, or the first characters of it");
    const ids = /^[0-9a-z]{1,64}$/.test(text) ? await this.#jobs.findIds(text, AMBIGUOUS_SHOWN + 1) : [];
    const [first] = ids;
    if (first === undefined) throw new WeftError("not_found", `there is no job "${text}"; \`weft jobs\` lists them`);
    if (ids.length === 1 || first === text) return first;
    const shown = ids.slice(0, AMBIGUOUS_SHOWN).join(", ");
    const more = ids.length > AMBIGUOUS_SHOWN ? ", …" : "";
    throw new WeftError("invalid", `the ids of several jobs begin with "${text}" (${shown}${more}); give more of it`);
  }

  async get(id: JobId): Promise<WholeJob> {
    const job = await this.#jobs.getJob(id);
    if (!job) throw new WeftError("not_found", `job ${id} is gone`);
    return job;
  }

  /** Names of at least these nodes, as far as they are known at all. */
  async nodeNames(nodes: Iterable<NodeId | null>): Promise<ReadonlyMap<NodeId, string>> {
    let fresh = performance.now() - this.#namesReadMs < NAMES_AGE_MS_MAX;
    for (const node of nodes) fresh &&= node === null || this.#names.has(node);
    if (!fresh) {
      this.#names = await this.#jobs.nodeNames();
      this.#namesReadMs = performance.now();
    }
    return this.#names;
  }
}
