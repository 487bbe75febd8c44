// Takes the raw table out of the data package and writes it as CSV, oldest flight first.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { csvFormat } from "d3-dsv";
import { outputPath, readJson, write } from "./workspace.mjs";

const COLUMNS = ["date", "delay", "distance", "origin", "destination"];

// The package does not export its data files, so the file is found from its entry point, build/index.js.
const entry = createRequire(import.meta.url).resolve("vega-datasets");
console.log("reading data/flights-20k.json of the package vega-datasets");
const flights = readJson(join(dirname(entry), "../data/flights-20k.json"));

// A total order, so that the same flights give the same bytes in whatever order the package has them.
const sortKey = (flight) => COLUMNS.map((column) => String(flight[column])).join("|");
const keyed = flights.map((flight) => [sortKey(flight), flight]);
const table = keyed.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, flight]) => flight);

console.log(`${table.length} flights from ${table[0].date} to ${table.at(-1).date}`);
write(outputPath("flights", "flights.csv"), `${csvFormat(table, COLUMNS)}\n`);
