import type { ClientBase } from "pg";
import { jsonRows } from "../../lib/json-rows.ts";
import type { GraphSource } from "./source.ts";

/** An edge of the graph that no component's own rows hold. Ids as in core/node.ts. */
export interface Link {
  readonly source: string;
  readonly target: string;
  readonly kind: string;
}

/** Writes edges, each once, however often it is told. Part of the caller's transaction. */
export async function recordLinks(
  client: Pick<ClientBase, "query">,
  links: readonly Link[],
  atMs: number,
): Promise<void> {
  if (links.length === 0) return;
  await client.query({
    name: "lineage-links",
    text: `insert into links (source, target, kind, at_ms)
           select distinct source, target, kind, $2::float8 from json_to_recordset($1::json) as r(source text, target text, kind text)
           on conflict do nothing`,
    values: [jsonRows(links.map(({ source, target, kind }) => ({ source, target, kind }))), atMs],
  });
}

/** Edges that were written as such. */
export const linkSource: GraphSource = {
  backward: `select l.source as next, l.kind, '' as name from links l where l.target = walk.node`,
  forward: `select l.target as next, l.kind, '' as name from links l where l.source = walk.node`,
  describe: async () => [],
  find: async (pool, text) => {
    const { rows } = await pool.query({
      name: "lineage-find-link",
      text: "select 1 where exists (select from links where source = $1) or exists (select from links where target = $1)",
      values: [text],
    });
    return rows.length === 0 ? [] : [text];
  },
};
