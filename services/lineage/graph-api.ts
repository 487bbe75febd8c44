import type { FastifyPluginAsync } from "fastify";
import type { Pool } from "pg";
import { z } from "zod";
import { WeftError } from "../../lib/core/error.ts";
import type { GraphSource } from "./source.ts";
import { NODES_DEFAULT, NODES_MAX, walkGraph } from "./walk.ts";

const query = z.object({
  id: z.string().min(1).max(2_000),
  limit: z.coerce.number().int().min(1).max(NODES_MAX).default(NODES_DEFAULT),
});

/** `GET /v1/lineage/trace?id=…&limit=…` and `/v1/lineage/impact`: `{ roots, nodes, edges, truncated }`. */
export function graphRoutes(pool: Pool, sources: readonly GraphSource[]): FastifyPluginAsync {
  return async (app) => {
    for (const direction of ["trace", "impact"] as const) {
      app.get(`/v1/lineage/${direction}`, (request) => {
        const parsed = query.safeParse(request.query);
        if (!parsed.success)
          throw new WeftError(
            "invalid",
            `the query must be id=…, and limit=1 to ${NODES_MAX}: ${z.prettifyError(parsed.error)}`,
          );
        return walkGraph(pool, sources, direction, parsed.data.id, parsed.data.limit);
      });
    }
  };
}
