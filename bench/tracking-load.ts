import http from "node:http";

/** One kind of request, sent over and over by many connections, each with a run of its own. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  /** When it ends: after so many seconds, or so many requests. */
  readonly seconds?: number;
  readonly count?: number;
  /** Of all connections together, evenly spread; default: as fast as the server answers. */
  readonly perSecond?: number;
  /** Path and body of the request that a connection sends as its n-th; the body may be large. */
  readonly request: (connection: number, n: number) => { readonly path: string; readonly body: string };
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not 200, by status, and what else went wrong. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Each connection sends its next request when the one before is answered: the server sets the pace, unless one is given. */
export async function runLoad(load: Load): Promise<LoadResult> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: load.connections });
  const times: number[] = [];
  const errors: Record<string, number> = {};
  const began = performance.now();
  const until = load.seconds === undefined ? Infinity : began + load.seconds * 1000;
  let left = load.count ?? Infinity;
  const paceMs = load.perSecond === undefined ? 0 : (load.connections / load.perSecond) * 1000;
  const lane = async (connection: number): Promise<void> => {
    for (let n = 0; performance.now() < until && left > 0; n += 1) {
      left -= 1;
      const early = began + (n + connection / load.connections) * paceMs - performance.now();
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      const { path, body } = load.request(connection, n);
      const sent = performance.now();
      const outcome = await ask(agent, load.url, path, body).then(
        ({ status }) => String(status),
        (error: Error) => error.message,
      );
      if (outcome === "200") times.push(performance.now() - sent);
      else errors[outcome] = (errors[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: load.connections }, (_, connection) => lane(connection)));
  const seconds = (performance.now() - began) / 1000;
  agent.destroy();
  const sorted = Float64Array.from(times).sort();
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
  return { requests: times.length, seconds, p50Ms: at(0.5), p99Ms: at(0.99), errors };
}

/** The id of a run in the default experiment. */
export async function createRun(agent: http.Agent, url: string): Promise<string> {
  const { text } = await ask(agent, url, "/api/2.0/mlflow/runs/create", NEW_RUN);
  return (JSON.parse(text) as { run: { info: { run_id: string } } }).run.info.run_id;
}

/** As MLflow's client makes one. */
export const NEW_RUN = JSON.stringify({
  experiment_id: "0",
  user_id: "bench",
  start_time: 1_795_000_000_000,
  tags: ["user", "source.name", "source.type", "source.git.commit"].map((key) => ({
    key: `mlflow.${key}`,
    value: "x",
  })),
});

/** Without a body: a GET. */
export function ask(
  agent: http.Agent,
  url: string,
  path: string,
  body: string | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const method = body === undefined ? "GET" : "POST";
    const request = http.request(new URL(path, url), { agent, method, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** A log-batch body: `points` points of `keys` metrics, one step after the other, at the times a training loop has. */
export function batchBody(runId: string, points: number, keys: number, from: number): string {
  const metrics = Array.from({ length: points }, (_, index) => {
    const step = from + Math.floor(index / keys);
    return `{"key":"metric-${index % keys}","value":${Math.sin(step + index).toFixed(6)},"timestamp":${1_795_000_000_000 + step * 10},"step":${step}}`;
  });
  return `{"run_id":"${runId}","metrics":[${metrics.join(",")}]}`;
}
