/** Who tells of Weft's own runs. A name, no address: nothing is to be found there. */
export const PRODUCER = "urn:weft:server";

const PROJECT_DEFAULT = "default";

/** Of a pipeline's jobs and what they make; `base` is what the operator calls this cluster. */
export function ownNamespace(base: string, project: string): string {
  return project === PROJECT_DEFAULT ? base : `${base}.${project}`;
}

/** A task is `pipeline.task`, as Airflow has dag.task; the pipeline itself is the parent of its tasks. */
export function ownTaskName(pipeline: string, task: string): string {
  return `${pipeline}.${task}`;
}

/** The data set that a task writes each time; its versions are digests. */
export function ownOutputName(pipeline: string, task: string, output: string): string {
  return `${pipeline}.${task}.${output}`;
}
