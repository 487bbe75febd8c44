/** SQL of MLflow's RunInfo for a row `r` of runs; Postgres writes int64 as they are, and NaN as text, as clients expect. */
export const RUN_INFO_JSON = `json_strip_nulls(json_build_object(
    'run_uuid', r.id, 'experiment_id', r.experiment::text, 'run_name', r.name, 'user_id', r.user_id, 'status', r.status,
    'start_time', r.start_ms, 'end_time', r.end_ms, 'artifact_uri', r.artifact_uri,
    'lifecycle_stage', case when r.deleted then 'deleted' else 'active' end, 'run_id', r.id))`;

const KEY_VALUES = (table: string): string =>
  `(select json_agg(json_build_object('key', x.key, 'value', x.value) order by x.key) from ${table} x where x.run = r.number)`;
const MODELS = (direction: string, step: string): string =>
  `(select json_agg(json_build_object('model_id', m.model${step}) order by m.step, m.model)
      from run_models m where m.run = r.number and m.direction = '${direction}')`;

/** SQL of MLflow's Run with all that belongs to it, for a row `r` of runs. */
export const RUN_JSON = `json_strip_nulls(json_build_object(
    'info', ${RUN_INFO_JSON},
    'data', json_build_object(
      'metrics', (select json_agg(json_build_object('key', x.key, 'value', x.value, 'timestamp', x.timestamp_ms, 'step', x.step)
                                  order by x.key)
                    from run_metrics x where x.run = r.number),
      'params', ${KEY_VALUES("run_params")},
      'tags', ${KEY_VALUES("run_tags")}),
    'inputs', json_build_object(
      'dataset_inputs', (select json_agg(json_build_object(
          'tags', (select json_agg(json_build_object('key', t.key, 'value', t.value) order by t.key) from jsonb_each_text(i.tags) t),
          'dataset', json_build_object('name', d.name, 'digest', d.digest, 'source_type', d.source_type, 'source', d.source,
                                       'schema', d.schema, 'profile', d.profile)) order by d.id)
          from run_datasets i join datasets d on d.id = i.dataset where i.run = r.number),
      'model_inputs', ${MODELS("input", "")}),
    'outputs', json_build_object('model_outputs', ${MODELS("output", ", 'step', m.step")})))`;
