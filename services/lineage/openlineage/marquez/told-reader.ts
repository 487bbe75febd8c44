import type { Pool } from "pg";
import type { Facets } from "../core/event.ts";
import { useOwner } from "../core/fold.ts";
import type { DatasetFacts, JobFacts, NameJson, RunFacts, UseFacts } from "./shape.ts";

export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** Of a job that are shown with it. */
const LATEST_RUNS = 10;

interface NamedRow extends NameJson {
  readonly node: string;
  readonly createdMs: number;
  readonly updatedMs: number;
}
const NAMED = `node, namespace, name, created_ms as "createdMs", updated_ms as "updatedMs"`;

type RunRow = Omit<RunFacts, "facets" | "inputs" | "outputs">;
const RUN = `id, namespace, name, state, started_ms as "startedMs", ended_ms as "endedMs", nominal_start_ms as "nominalStartMs",
  nominal_end_ms as "nominalEndMs", created_ms as "createdMs", updated_ms as "updatedMs", job_version as "jobVersion"`;

/** What others told, as it is read again. Each call is a few statements, however many rows it gives. */
export class ToldReader {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async namespaces(): Promise<{ name: string; createdMs: number; updatedMs: number }[]> {
    const { rows } = await this.#pool.query<{ name: string; createdMs: number; updatedMs: number }>(
      `select namespace as name, min(created_ms) as "createdMs", max(updated_ms) as "updatedMs"
         from (select namespace, created_ms, updated_ms from openlineage_jobs
               union all select namespace, created_ms, updated_ms from openlineage_datasets) as named
        group by namespace order by namespace`,
    );
    return rows;
  }

  /** By name. `namespace` null: of all; `but`: nodes that are left out. */
  async jobs(
    namespace: string | null,
    page: Page,
    but: readonly string[],
  ): Promise<{ jobs: JobFacts[]; total: number }> {
    const { rows, total } = await this.#page("openlineage_jobs", namespace, page, but);
    return { jobs: await this.#jobs(rows), total };
  }

  /** Those of the nodes that are known. */
  async jobsAt(nodes: readonly string[]): Promise<(JobFacts & { readonly node: string })[]> {
    const rows = await this.#at("openlineage_jobs", nodes);
    const jobs = await this.#jobs(rows);
    return jobs.map((job, i) => ({ ...job, node: rows[i]!.node }));
  }

  async datasets(
    namespace: string | null,
    page: Page,
    but: readonly string[],
  ): Promise<{ datasets: DatasetFacts[]; total: number }> {
    const { rows, total } = await this.#page("openlineage_datasets", namespace, page, but);
    return { datasets: await this.#datasets(rows), total };
  }

  async datasetsAt(nodes: readonly string[]): Promise<(DatasetFacts & { readonly node: string })[]> {
    const rows = await this.#at("openlineage_datasets", nodes);
    const datasets = await this.#datasets(rows);
    return datasets.map((dataset, i) => ({ ...dataset, node: rows[i]!.node }));
  }

  /** Newest first. */
  async versions(node: string, page: Page): Promise<{ versions: DatasetFacts[]; total: number }> {
    const { rows } = await this.#pool.query<
      NameJson & { node: string; version: string; run: string | null; createdMs: number; total: string }
    >(
      `select d.namespace, d.name, v.node, v.version, v.run, v.created_ms as "createdMs", count(*) over () as total
         from openlineage_versions v join openlineage_datasets d on d.node = v.dataset
        where v.dataset = $1 order by v.created_ms desc, v.version limit $2 offset $3`,
      [node, page.limit, page.offset],
    );
    const facets = await this.#facets(rows.map((row) => row.node));
    const runs = new Map((await this.runsById(rows.flatMap(({ run }) => run ?? []))).map((run) => [run.id, run]));
    const versions = rows.map(({ run, ...row }): DatasetFacts => ({
      ...row,
      updatedMs: row.createdMs,
      facets: facets.get(row.node) ?? {},
      createdByRun: runs.get(run ?? "") ?? null,
    }));
    return { versions, total: Number(rows[0]?.total ?? 0) };
  }

  /** Newest first. */
  async runs({ namespace, name }: NameJson, page: Page): Promise<{ runs: RunFacts[]; total: number }> {
    const { rows } = await this.#pool.query<RunRow & { total: string }>(
      `select ${RUN}, count(*) over () as total from openlineage_runs where namespace = $1 and name = $2
        order by created_ms desc, id limit $3 offset $4`,
      [namespace, name, page.limit, page.offset],
    );
    return { runs: await this.#runs(rows), total: Number(rows[0]?.total ?? 0) };
  }

  async runsById(ids: readonly string[]): Promise<RunFacts[]> {
    if (ids.length === 0) return [];
    const { rows } = await this.#pool.query<RunRow>(`select ${RUN} from openlineage_runs where id = any($1)`, [ids]);
    return this.#runs(rows);
  }

  /** Jobs that read and wrote each of the data sets, and data sets of each of the jobs: the steps of a graph of jobs. */
  async neighbours(
    nodes: readonly string[],
  ): Promise<{ job: string; dataset: string; direction: "input" | "output" }[]> {
    const { rows } = await this.#pool.query<{ job: string; dataset: string; direction: "input" | "output" }>(
      `select owner as job, dataset, direction from openlineage_uses where owner = any($1::text[]) and owner like 'job:%'
       union
       select owner, dataset, direction from openlineage_uses where dataset = any($1::text[]) and owner like 'job:%'`,
      [nodes],
    );
    return rows;
  }

  /** The runs that wrote these: [data set, version] by the run that read them, who must have come after. */
  async writers(
    uses: readonly {
      readonly reader: string;
      readonly dataset: string;
      readonly version: string | null;
      readonly beforeMs: number;
    }[],
  ): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.#pool.query<{ reader: string; dataset: string; run: string }>(
      `select r.reader, r.dataset, w.run
         from json_to_recordset($1::json) as r(reader text, dataset text, version text, "beforeMs" float8),
              lateral (
                select v.run from openlineage_versions v where v.dataset = r.dataset and v.version = r.version and v.run is not null
                union all
                (select u.owner from openlineage_uses u
                  where r.version is null and u.dataset = r.dataset and u.direction = 'output' and u.owner not like 'job:%'
                    and u.owner <> r.reader and u.at_ms <= r."beforeMs"
                  order by u.at_ms desc limit 1)
                limit 1) as w`,
      [JSON.stringify(uses)],
    );
    return new Map(rows.map(({ reader, dataset, run }) => [`${reader} ${dataset}`, run]));
  }

  /** Whose name holds the text. */
  async search(text: string, limit: number): Promise<(NamedRow & { readonly type: "JOB" | "DATASET" })[]> {
    const { rows } = await this.#pool.query<NamedRow & { type: "JOB" | "DATASET" }>(
      `(select 'JOB' as type, ${NAMED} from openlineage_jobs where strpos(lower(name), lower($1)) > 0 order by name limit $2)
       union all
       (select 'DATASET', ${NAMED} from openlineage_datasets where strpos(lower(name), lower($1)) > 0 order by name limit $2)`,
      [text, limit],
    );
    return rows;
  }

  async events(range: {
    readonly afterMs: number;
    readonly beforeMs: number;
    readonly newestFirst: boolean;
    readonly page: Page;
  }): Promise<{ events: unknown[]; total: number }> {
    const order = range.newestFirst ? "desc" : "asc";
    const [{ rows }, { rows: counted }] = await Promise.all([
      this.#pool.query<{ body: unknown }>(
        `select body from openlineage_events where at_ms >= $1 and at_ms < $2 order by at_ms ${order}, id ${order} limit $3 offset $4`,
        [range.afterMs, range.beforeMs, range.page.limit, range.page.offset],
      ),
      this.#pool.query<{ total: string }>(
        "select count(*) as total from openlineage_events where at_ms >= $1 and at_ms < $2",
        [range.afterMs, range.beforeMs],
      ),
    ]);
    return { events: rows.map(({ body }) => body), total: Number(counted[0]?.total ?? 0) };
  }

  async #page(
    table: "openlineage_jobs" | "openlineage_datasets",
    namespace: string | null,
    { limit, offset }: Page,
    but: readonly string[],
  ): Promise<{ rows: NamedRow[]; total: number }> {
    const { rows } = await this.#pool.query<NamedRow & { total: string }>(
      `select ${NAMED}, count(*) over () as total from ${table} where ($1::text is null or namespace = $1) and node <> all($4::text[])
        order by namespace, name limit $2 offset $3`,
      [namespace, limit, offset, but],
    );
    return { rows, total: Number(rows[0]?.total ?? 0) };
  }

  async #at(table: "openlineage_jobs" | "openlineage_datasets", nodes: readonly string[]): Promise<NamedRow[]> {
    if (nodes.length === 0) return [];
    const { rows } = await this.#pool.query<NamedRow>(
      `select ${NAMED} from ${table} where node = any($1) order by node`,
      [nodes],
    );
    return rows;
  }

  async #jobs(rows: readonly NamedRow[]): Promise<JobFacts[]> {
    const nodes = rows.map(({ node }) => node);
    const [facets, uses, latest] = await Promise.all([
      this.#facets(nodes),
      this.#uses(nodes),
      this.#pool.query<RunRow & { node: string }>(
        `select j.node, r.* from unnest($1::text[]) as j(node) join openlineage_jobs o on o.node = j.node,
                lateral (select ${RUN} from openlineage_runs r where r.namespace = o.namespace and r.name = o.name
                          order by r.created_ms desc limit ${LATEST_RUNS}) as r`,
        [nodes],
      ),
    ]);
    const runs = await this.#runs(latest.rows);
    return rows.map((row) => {
      const of = (direction: string): NameJson[] =>
        (uses.get(`${row.node} ${direction}`) ?? []).map(({ namespace, name }) => ({ namespace, name }));
      return {
        ...row,
        facets: facets.get(row.node) ?? {},
        inputs: of("input"),
        outputs: of("output"),
        runs: runs.filter((_, i) => latest.rows[i]!.node === row.node),
      };
    });
  }

  async #datasets(rows: readonly NamedRow[]): Promise<DatasetFacts[]> {
    const nodes = rows.map(({ node }) => node);
    const [facets, { rows: newest }] = await Promise.all([
      this.#facets(nodes),
      this.#pool.query<{ dataset: string; version: string }>(
        `select d.node as dataset, v.version from unnest($1::text[]) as d(node),
                lateral (select version from openlineage_versions v where v.dataset = d.node order by created_ms desc limit 1) as v`,
        [nodes],
      ),
    ]);
    const versions = new Map(newest.map(({ dataset, version }) => [dataset, version]));
    return rows.map((row) => ({
      ...row,
      facets: facets.get(row.node) ?? {},
      version: versions.get(row.node) ?? null,
      createdByRun: null,
    }));
  }

  async #runs(rows: readonly RunRow[]): Promise<RunFacts[]> {
    const ids = rows.map(({ id }) => id);
    const [facets, uses] = await Promise.all([this.#facets(ids), this.#uses(ids)]);
    return rows.map((row) => ({
      ...row,
      facets: facets.get(row.id) ?? {},
      inputs: uses.get(`${row.id} input`) ?? [],
      outputs: uses.get(`${row.id} output`) ?? [],
    }));
  }

  /** By owner and direction. */
  async #uses(owners: readonly string[]): Promise<ReadonlyMap<string, UseFacts[]>> {
    const all = new Map<string, UseFacts[]>();
    if (owners.length === 0) return all;
    const { rows } = await this.#pool.query<
      NameJson & { owner: string; direction: string; version: string; node: string }
    >(
      `select u.owner, u.direction, u.version, u.node, d.namespace, d.name
         from openlineage_uses u join openlineage_datasets d on d.node = u.dataset
        where u.owner = any($1) order by u.owner, u.direction, u.dataset, u.version`,
      [owners],
    );
    const owner = (row: (typeof rows)[number]): string => useOwner(row.owner, row.direction as "input", row.node);
    const facets = await this.#facets(rows.map(owner));
    for (const row of rows) {
      const { namespace, name, version } = row;
      const key = `${row.owner} ${row.direction}`;
      const list = all.get(key) ?? [];
      list.push({ namespace, name, version: version === "" ? null : version, facets: facets.get(owner(row)) ?? {} });
      all.set(key, list);
    }
    return all;
  }

  async #facets(owners: readonly string[]): Promise<ReadonlyMap<string, Facets>> {
    if (owners.length === 0) return new Map();
    const { rows } = await this.#pool.query<{ owner: string; facets: Facets }>(
      `select owner, json_object_agg(name, body) as facets from openlineage_facets
        where owner = any($1) and body is not null group by owner`,
      [owners],
    );
    return new Map(rows.map(({ owner, facets }) => [owner, facets]));
  }
}
