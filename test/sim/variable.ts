/** Variables by which a task says what its processes do. */
/** Chance of failing, in the task's variables: each task has its own. */
export const FAILS = "SIM_FAILS";
/** Longest run, in milliseconds. */
export const LASTS = "SIM_LASTS";
/** What it writes: "list:N", "text", or nothing. */
export const RESULT = "SIM_RESULT";
