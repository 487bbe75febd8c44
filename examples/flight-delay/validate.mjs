// Refuses a table that the rest could not trust, and says why; writes what it saw as a report.
import { csvParse } from "d3-dsv";
import { dayOf } from "./calendar.mjs";
import { inputPath, outputPath, readText, writeJson } from "./workspace.mjs";

const AIRPORT = /^[A-Z]{3}$/;
const DATE = /^2001\/(\d\d)\/(\d\d) ([01]\d|2[0-3]):[0-5]\d$/;
/** Minutes. Two hours early and a day late are beyond what the source has ever reported. */
const DELAY_MINUTES = { min: -120, max: 1440 };
/** Miles. The longest flight inside the United States is under 5,200. */
const DISTANCE_MILES = { min: 1, max: 6000 };
/** Fewer would make weekly means noise. */
const ROWS_MIN = 10_000;
const ROWS_OF_A_WEEK_MIN = 500;
const PROBLEMS_SHOWN_MAX = 20;

const isDate = (text) => DATE.test(text) && Number.isFinite(dayOf(text));
const isWhole =
  ({ min, max }) =>
  (text) =>
    /^-?\d+$/.test(text) && Number(text) >= min && Number(text) <= max;

const COLUMNS = {
  date: { holds: isDate, should: "be a time of 2001 like 2001/01/31 23:59" },
  delay: {
    holds: isWhole(DELAY_MINUTES),
    should: `be whole minutes from ${DELAY_MINUTES.min} to ${DELAY_MINUTES.max}`,
  },
  distance: {
    holds: isWhole(DISTANCE_MILES),
    should: `be whole miles from ${DISTANCE_MILES.min} to ${DISTANCE_MILES.max}`,
  },
  origin: { holds: (text) => AIRPORT.test(text), should: "be three capital letters" },
  destination: { holds: (text) => AIRPORT.test(text), should: "be three capital letters" },
};

function problemsOfRow(row, line) {
  const wrong = Object.entries(COLUMNS)
    .filter(([name, { holds }]) => !holds(row[name]))
    .map(
      ([name, { should }]) =>
        `line ${line}: ${name} is ${row[name] === "" ? "empty" : `"${row[name]}"`}; it should ${should}`,
    );
  if (row.origin === row.destination) wrong.push(`line ${line}: origin and destination are both "${row.origin}"`);
  return wrong;
}

function problemsOfTable(rows) {
  if (rows.length < ROWS_MIN) return [`${rows.length} rows; there should be at least ${ROWS_MIN}`];
  const perWeek = [];
  for (const row of rows) {
    const week = Math.floor(dayOf(row.date) / 7);
    perWeek[week] = (perWeek[week] ?? 0) + 1;
  }
  return Array.from(perWeek, (count = 0, week) => [week + 1, count])
    .filter(([week, count]) => count < ROWS_OF_A_WEEK_MIN && week < perWeek.length) // the last week may be cut short
    .map(([week, count]) => `week ${week} has ${count} flights; there should be at least ${ROWS_OF_A_WEEK_MIN}`);
}

function rangeOf(rows, column) {
  const values = rows.map((row) => Number(row[column])).toSorted((a, b) => a - b);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { min: values[0], median: values[values.length >> 1], mean: Number(mean.toFixed(4)), max: values.at(-1) };
}

function refuse(problems) {
  console.error(`the flights are not usable: ${problems.length} problem(s)`);
  for (const problem of problems.slice(0, PROBLEMS_SHOWN_MAX)) console.error(`  ${problem}`);
  if (problems.length > PROBLEMS_SHOWN_MAX) console.error(`  and ${problems.length - PROBLEMS_SHOWN_MAX} more`);
  process.exit(1);
}

const rows = csvParse(readText(inputPath("flights", "flights.csv")));
const missing = Object.keys(COLUMNS).filter((name) => !rows.columns.includes(name));
if (missing.length > 0)
  refuse(missing.map((name) => `column "${name}" is missing; the header says "${rows.columns.join(",")}"`));

console.log(`checking ${rows.length} rows of ${rows.columns.join(", ")}`);
const ofRows = rows.flatMap((row, index) => problemsOfRow(row, index + 2)); // line 1 is the header
if (ofRows.length > 0) refuse(ofRows);
const ofTable = problemsOfTable(rows);
if (ofTable.length > 0) refuse(ofTable);

const report = {
  rows: rows.length,
  from: rows[0].date,
  to: rows.at(-1).date,
  airports: new Set(rows.flatMap((row) => [row.origin, row.destination])).size,
  routes: new Set(rows.map((row) => `${row.origin}-${row.destination}`)).size,
  repeated: rows.length - new Set(rows.map((row) => JSON.stringify(Object.values(row)))).size,
  delayMinutes: rangeOf(rows, "delay"),
  distanceMiles: rangeOf(rows, "distance"),
};
console.log(
  `fine: ${report.airports} airports, ${report.routes} routes, mean delay ${report.delayMinutes.mean} minutes`,
);
writeJson(outputPath("report", "validation.json"), report);
