/**
 * SQL of MLflow's JSON for a row `r` of runs, as text. Written by concatenation, because a page of a thousand runs has tens of thousands of
 * values, and Postgres' json_build_object takes three times as long for them. `concat_ws` leaves out what is null, as MLflow does.
 * Integers are as they are; NaN and the infinities are text, as clients expect.
 */
export const RUN_INFO_JSON = `'{' || concat_ws(',',
    '"run_uuid":' || to_json(r.id)::text, '"experiment_id":"' || r.experiment || '"', '"run_name":' || to_json(r.name)::text,
    '"user_id":' || to_json(r.user_id)::text, '"status":"' || r.status || '"', '"start_time":' || r.start_ms,
    '"end_time":' || r.end_ms, '"artifact_uri":' || to_json(r.artifact_uri)::text,
    case when r.deleted then '"lifecycle_stage":"deleted"' else '"lifecycle_stage":"active"' end,
    '"run_id":' || to_json(r.id)::text) || '}'`;

/** The index gives them in order of their keys; an order in the aggregate would sort them once more. */
const KEY_VALUES = (table: string): string =>
  `(select string_agg('{"key":' || to_json(x.key)::text || ',"value":' || to_json(x.value)::text || '}', ',')
      from (select key, value from ${table} where run = r.number order by key) x)`;

const METRICS = `(select string_agg('{"key":' || to_json(x.key)::text || ',"value":'
        || case when x.value in ('NaN', 'Infinity', '-Infinity') then '"' || x.value || '"' else x.value::text end
        || ',"timestamp":' || x.timestamp_ms || ',"step":' || x.step || '}', ',')
      from (select key, value, timestamp_ms, step from run_metrics where run = r.number order by key) x)`;

const MODELS = (direction: string, step: string): string =>
  `(select string_agg('{"model_id":' || to_json(m.model)::text${step} || '}', ',')
      from (select model, step from run_models where run = r.number and direction = '${direction}' order by step, model) m)`;

/** Few runs have data sets: here the shorter way is good enough. */
const DATASETS = `(select string_agg(json_strip_nulls(json_build_object(
        'tags', (select json_agg(json_build_object('key', t.key, 'value', t.value) order by t.key) from jsonb_each_text(i.tags) t),
        'dataset', json_build_object('name', d.name, 'digest', d.digest, 'source_type', d.source_type, 'source', d.source,
                                     'schema', d.schema, 'profile', d.profile)))::text, ',' order by d.id)
      from run_datasets i join datasets d on d.id = i.dataset where i.run = r.number)`;

/** With all that belongs to it. */
export const RUN_JSON = `'{"info":' || ${RUN_INFO_JSON} || ',"data":{' || concat_ws(',',
      '"metrics":[' || ${METRICS} || ']',
      '"params":[' || ${KEY_VALUES("run_params")} || ']',
      '"tags":[' || ${KEY_VALUES("run_tags")} || ']')
    || '},"inputs":{' || concat_ws(',',
      '"dataset_inputs":[' || ${DATASETS} || ']',
      '"model_inputs":[' || ${MODELS("input", "")} || ']')
    || '},"outputs":{' || concat_ws(',', '"model_outputs":[' || ${MODELS("output", ` || ',"step":' || m.step`)} || ']') || '}}'`;
