import pg from "pg";

/** Connections at a time: with two cores more of them only wait for the same disk. */
const WORKERS = 8;

/**
 * The peer that anybody can build in an afternoon: a table as the queue, taken with `for update skip locked`, one
 * transaction to take a task and one to end it. Gives tasks a second.
 */
export async function queueInPostgres(url: string, tasks: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: WORKERS });
  try {
    await pool.query(
      "create table bench_queue (id int primary key, state text not null, started_at timestamptz, ended_at timestamptz)",
    );
    await pool.query("create index bench_queue_ready on bench_queue (id) where state = 'ready'");
    const started = performance.now();
    await pool.query("insert into bench_queue select n, 'ready' from generate_series(1, $1::int) n", [tasks]);
    await Promise.all(Array.from({ length: WORKERS }, () => work(pool)));
    return tasks / ((performance.now() - started) / 1000);
  } finally {
    await pool.query("drop table if exists bench_queue");
    await pool.end();
  }
}

async function work(pool: pg.Pool): Promise<void> {
  for (;;) {
    const taken = await pool.query<{ id: number }>(
      `update bench_queue set state = 'running', started_at = now()
        where id = (select id from bench_queue where state = 'ready' order by id limit 1 for update skip locked)
       returning id`,
    );
    const id = taken.rows[0]?.id;
    if (id === undefined) return;
    await pool.query("update bench_queue set state = 'succeeded', ended_at = now() where id = $1", [id]);
  }
}
