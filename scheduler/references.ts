/**
 * A statement that selects `digest` and `kind` ("file" or "tree") of all artifacts that jobs refer to: their code and how it differed from its commit, the outputs and checkpoints of
 * their tasks, and kept results.
 */
export const JOB_REFERENCES = `
  select digest, kind from (
    select code ->> 'digest' as digest, 'tree' as kind from jobs
    union all
    select code #>> '{diff,digest}', 'file' from jobs
    union all
    select output ->> 'digest', output ->> 'kind' from tasks, jsonb_array_elements(outputs) as output
    union all
    select checkpoint ->> 'digest', checkpoint ->> 'kind' from tasks
    union all
    select output ->> 'digest', output ->> 'kind'
      from result_cache,
           json_array_elements(case json_typeof(outputs) when 'array' then outputs else '[]' end) as output
  ) as referred
  where digest is not null`;
