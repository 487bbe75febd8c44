// The table of features, as the learning scripts read it.
import { csvParse } from "d3-dsv";
import { inputPath, readText } from "./workspace.mjs";

const NOT_FEATURES = new Set(["part", "day", "delay"]);

/** { features: names, train, validation, test: each { rows: number[][], delays: minutes[] } } */
export function readTable() {
  const table = csvParse(readText(inputPath("table", "features.csv")));
  const features = table.columns.filter((name) => !NOT_FEATURES.has(name));
  const part = (wanted) => {
    const rows = table.filter((row) => row.part === wanted);
    return {
      rows: rows.map((row) => features.map((name) => Number(row[name]))),
      delays: rows.map((row) => Number(row.delay)),
    };
  };
  return { features, train: part("train"), validation: part("validation"), test: part("test") };
}
