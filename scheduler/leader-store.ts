import type { ClientBase, Pool } from "pg";

/** One process' claim to lead. */
export interface Reign {
  readonly term: number;
  readonly holder: string;
  /** For how long each commit renews it. */
  readonly leaseMs: number;
}

export interface LeaderRow {
  readonly term: number;
  readonly holder: string;
  readonly address: string;
  /** Until the lease ends, by Postgres' clock; ≤ 0: it has. */
  readonly remainingMs: number;
}

/** Another process took over: its term is in the row, and nothing of ours may be written any more. */
export class LeadershipLost extends Error {
  constructor(term: number) {
    super(`the scheduler's term ${term} is over: another server leads`);
    this.name = "LeadershipLost";
  }
}

/** The new term, or undefined while someone's lease lasts. */
export async function claimLeadership(
  pool: Pool,
  claim: { holder: string; address: string; leaseMs: number },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ term: string }>(
    `insert into leader (id, term, holder, address, expires_at)
     values (1, 1, $1, $2, clock_timestamp() + $3 * interval '1 millisecond')
     on conflict (id) do update set
       term = leader.term + 1, holder = excluded.holder, address = excluded.address, expires_at = excluded.expires_at
     where leader.expires_at <= clock_timestamp()
     returning term`,
    [claim.holder, claim.address, claim.leaseMs],
  );
  return rows[0] && Number(rows[0].term);
}

/**
 * Checks that the term still stands, and renews it; within a transaction the row stays locked, so that nobody takes over
 * before it ends. That a lease has run out does not matter as long as nobody took over: whoever does raises the term in this row.
 */
export async function holdLeadership(client: ClientBase | Pool, reign: Reign): Promise<void> {
  const { rowCount } = await client.query({
    name: "hold-leadership",
    text: `update leader set expires_at = clock_timestamp() + $3 * interval '1 millisecond'
           where id = 1 and term = $1 and holder = $2`,
    values: [reign.term, reign.holder, reign.leaseMs],
  });
  if (rowCount !== 1) throw new LeadershipLost(reign.term);
}

/** Lets another take over at once. */
export async function releaseLeadership(pool: Pool, reign: Reign): Promise<void> {
  await pool.query(`update leader set expires_at = 'epoch' where id = 1 and term = $1 and holder = $2`, [
    reign.term,
    reign.holder,
  ]);
}

export async function readLeader(pool: Pool): Promise<LeaderRow | undefined> {
  const { rows } = await pool.query<Omit<LeaderRow, "term"> & { term: string }>(
    `select term, holder, address, (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as "remainingMs"
     from leader where id = 1`,
  );
  return rows[0] && { ...rows[0], term: Number(rows[0].term) };
}
