/** Statements that fill a tracking store of the same runs, ours and MLflow's, by way of its own tables. */
export const RUNS = 100_000;

/** A number from 0 to below 1 that looks like chance, from the run's number `i`. */
const noise = (factor: number): string => `((i::bigint * ${factor} % 100003) / 100003.0)`;

const METRICS = `('accuracy', ${noise(7919)}), ('loss', ${noise(104729)} * 4), ('f1', ${noise(1299709)}),
                 ('epoch_seconds', 30 + 90 * ${noise(15485863)}), ('grad_norm', exp(8 * ${noise(32452843)} - 4))`;
const PARAMS = `('optimizer', (array['adam', 'sgd', 'rmsprop', 'adagrad'])[1 + i % 4]), ('lr', (10.0 ^ -(1 + i % 5))::float8::text),
                ('batch_size', (16 * (1 + i % 6))::text), ('layers', (1 + i % 12)::text), ('seed', i::text)`;
const TAGS = `('mlflow.user', 'user-' || i % 50), ('mlflow.source.name', 'train.py'), ('mlflow.runName', 'run-' || i), ('team', 'team-' || i % 10)`;

const ID = "lpad(to_hex(i), 32, '0')";
const START_MS = "1795000000000 + i * 1000";
const ALL = `generate_series(1, ${RUNS}) as i`;
const each = (values: string): string => `${ALL}, lateral (values ${values}) as v(key, value)`;

export const fillWeft: readonly string[] = [
  `insert into runs (id, experiment, name, user_id, status, start_ms, end_ms, artifact_uri)
     select ${ID}, 0, 'run-' || i, 'user-' || i % 50, 'FINISHED', ${START_MS}, ${START_MS} + 60000, 'mlflow-artifacts:/0/' || ${ID} || '/artifacts'
       from ${ALL}`,
  `insert into run_metrics (run, key, value, timestamp_ms, step)
     select r.number, v.key, v.value, ${START_MS}, 100 from ${each(METRICS)}, runs r where r.id = ${ID}`,
  `insert into run_params (run, key, value) select r.number, v.key, v.value from ${each(PARAMS)}, runs r where r.id = ${ID}`,
  `insert into run_tags (run, key, value) select r.number, v.key, v.value from ${each(TAGS)}, runs r where r.id = ${ID}`,
];

export const fillMlflow: readonly string[] = [
  `insert into runs (run_uuid, experiment_id, name, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage, source_type, source_name, entry_point_name)
     select ${ID}, 0, 'run-' || i, 'user-' || i % 50, 'FINISHED', ${START_MS}, ${START_MS} + 60000, 'mlflow-artifacts:/0/' || ${ID} || '/artifacts',
            'active', 'UNKNOWN', '', ''
       from ${ALL}`,
  `insert into latest_metrics (run_uuid, key, value, timestamp, step, is_nan) select ${ID}, key, value, ${START_MS}, 100, false from ${each(METRICS)}`,
  `insert into params (run_uuid, key, value) select ${ID}, key, value from ${each(PARAMS)}`,
  `insert into tags (run_uuid, key, value) select ${ID}, key, value from ${each(TAGS)}`,
];
