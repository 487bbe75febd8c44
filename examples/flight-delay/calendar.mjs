// Time as the pipeline counts it: from the first midnight of 2001, in the airport's own clock (the table has no zones).
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2001, 0, 1); // a Monday

/** Hours since the start of "2001/01/31 23:59"; NaN when there is no such time. */
export const hoursOf = (text) =>
  (Date.parse(`${text.replaceAll("/", "-").replace(" ", "T")}:00Z`) - START_MS) / HOUR_MS;
export const dayOf = (text) => Math.floor(hoursOf(text) / 24);
/** 0 is Monday. */
export const weekdayOf = (day) => day % 7;
