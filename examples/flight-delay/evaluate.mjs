// Scores every model on the latest weeks, which none has seen, beside what one gets without learning.
import { nameOf, readCandidates } from "./candidates.mjs";
import { predict } from "./network.mjs";
import { baselines, line, score } from "./score.mjs";
import { readTable } from "./table.mjs";
import { outputPath, writeJson } from "./workspace.mjs";

const { train, test } = readTable();
console.log(`${test.rows.length} flights of the latest weeks`);

const without = baselines(train.delays, test.delays);
for (const [name, scored] of Object.entries(without))
  console.log(`baseline ${name}, always ${scored.minutes.toFixed(2)} min: ${line(scored)}`);

const candidates = readCandidates().map((model) => {
  const { depth, seed, epoch, validation } = model;
  const scored = score(test.delays, predict(model, test.rows));
  console.log(`${nameOf(model)}: ${line(scored)}`);
  return { depth, seed, epoch, validation, test: scored };
});

writeJson(outputPath("evaluation", "evaluation.json"), {
  testFlights: test.rows.length,
  baselines: without,
  candidates,
});
