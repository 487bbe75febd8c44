// Picks the model by its validation score, refuses it if it is no better than the mean on the latest weeks, and exports it.
import * as ort from "onnxruntime-node";
import { nameOf, readCandidates } from "./candidates.mjs";
import { predict } from "./network.mjs";
import { encodeOnnx, INPUT, OPSET, OUTPUT } from "./onnx.mjs";
import { line } from "./score.mjs";
import { readTable } from "./table.mjs";
import { inputPath, outputPath, readJson, write, writeJson } from "./workspace.mjs";

/** Minutes. Both sides compute in 32-bit floats, in another order; anything larger is a mistake in the export. */
const DIFFERENCE_MAX = 0.001;

async function predictWithOnnx(bytes, rows) {
  const session = await ort.InferenceSession.create(bytes);
  const tensor = new ort.Tensor("float32", Float32Array.from(rows.flat()), [rows.length, rows[0].length]);
  const results = await session.run({ [INPUT]: tensor });
  return Array.from(results[OUTPUT].data);
}

const { features, test } = readTable();
const { baselines, candidates } = readJson(inputPath("evaluation", "evaluation.json"));
const winner = candidates.reduce((best, one) => (one.validation.rmse < best.validation.rmse ? one : best));
console.log(`best of ${candidates.length} on the validation weeks: ${nameOf(winner)}`);
console.log(`  validation  ${line(winner.validation)}`);
console.log(`  test        ${line(winner.test)}`);
console.log(`  the mean    ${line(baselines.mean)}`);

const rmseSaved = 1 - winner.test.rmse / baselines.mean.rmse;
const maeSaved = 1 - winner.test.mae / baselines.mean.mae;
if (rmseSaved <= 0)
  throw new Error(
    `refused: RMSE ${winner.test.rmse} on the latest weeks is no better than the ${baselines.mean.rmse} of predicting the mean`,
  );
console.log(
  `better than the mean by ${(100 * rmseSaved).toFixed(2)} % in RMSE and ${(100 * maeSaved).toFixed(2)} % in MAE`,
);

const model = readCandidates().find(({ depth, seed }) => depth === winner.depth && seed === winner.seed);
const bytes = encodeOnnx(model);
const ours = predict(model, test.rows);
const theirs = await predictWithOnnx(bytes, test.rows);
const difference = ours.reduce((most, value, index) => Math.max(most, Math.abs(value - theirs[index])), 0);
if (!(difference <= DIFFERENCE_MAX))
  throw new Error(
    `the ONNX file predicts up to ${difference} minutes off the model; at most ${DIFFERENCE_MAX} is rounding`,
  );
console.log(`ONNX and the model agree on ${ours.length} flights to ${difference.toExponential(1)} minutes`);

write(outputPath("onnx", "model.onnx"), bytes);
writeJson(outputPath("metrics", "metrics.json"), {
  model: { depth: winner.depth, seed: winner.seed, epoch: winner.epoch },
  validation: winner.validation,
  test: winner.test,
  baselines,
  better: { rmseFraction: Number(rmseSaved.toFixed(6)), maeFraction: Number(maeSaved.toFixed(6)) },
  onnx: { opset: OPSET, input: INPUT, output: OUTPUT, flightsCompared: ours.length, toleranceMinutes: DIFFERENCE_MAX },
  features,
});
