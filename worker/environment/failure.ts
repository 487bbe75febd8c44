/** Reason of the signals that end what is being done for an attempt. */
export class AttemptStopped extends Error {}

/** The environment cannot be made from what was submitted: the task's own doing. */
export class EnvironmentError extends Error {}
