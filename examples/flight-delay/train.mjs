// Trains one network on the training weeks and scores it on the validation weeks. Same arguments, same model.
import { parseArgs } from "node:util";
import * as tf from "@tensorflow/tfjs-core";
import { fitScaler, newNetwork, predict, scaled, toLayers } from "./network.mjs";
import { newRandom, shuffle } from "./random.mjs";
import { line, score } from "./score.mjs";
import { readTable } from "./table.mjs";
import { outputPath, writeJson } from "./workspace.mjs";

const BATCH = 256;
const LEARNING_RATE = 0.004;
/** Minutes. Later counts as this late while learning: squares make one such flight outweigh hundreds of others. */
const DELAY_LEARNED_MAX = 180;
/** Minutes: brings the target near 1, where the optimiser's defaults work. */
const TARGET_SCALE = 30;

const { values: args } = parseArgs({
  options: {
    depth: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    epochs: { type: "string", default: "8" },
  },
});
const [depth, seed, epochs] = [args.depth, args.seed, args.epochs].map(Number);
if (![depth, seed, epochs].every((value) => Number.isInteger(value) && value >= 0)) {
  throw new Error(
    `--depth ${args.depth} --seed ${args.seed} --epochs ${args.epochs}: each should be a whole number from 0 up`,
  );
}

const { features, train, validation } = readTable();
console.log(`depth ${depth}, seed ${seed}: ${train.rows.length} flights, ${features.length} features`);

const scaler = fitScaler(train.rows);
const target = {
  offset: train.delays.reduce((sum, delay) => sum + delay, 0) / train.delays.length,
  scale: TARGET_SCALE,
};
const inputs = scaled(train.rows, scaler);
const outputs = tf.tensor2d(
  train.delays.map((delay) => [(Math.min(delay, DELAY_LEARNED_MAX) - target.offset) / target.scale]),
);

const network = newNetwork(features.length, depth, seed);
network.compile({ optimizer: tf.train.adam(LEARNING_RATE), loss: "meanSquaredError" });

const random = newRandom(seed);
const order = train.rows.map((_, index) => index);
let model;
for (let epoch = 1; epoch <= epochs; epoch++) {
  shuffle(order, random); // ours, because the library's own shuffling cannot be seeded
  const [x, y] = [tf.gather(inputs, order), tf.gather(outputs, order)];
  const { history } = await network.fit(x, y, { epochs: 1, batchSize: BATCH, shuffle: false, verbose: 0 });
  tf.dispose([x, y]);
  const layers = toLayers(network);
  const scored = score(validation.delays, predict({ scaler, target, layers }, validation.rows));
  // Kept only when better on the validation weeks: it learns the noise if it goes on for too long.
  if (model === undefined || scored.rmse < model.validation.rmse) {
    model = { depth, seed, epoch, features, scaler, target, layers, validation: scored };
  }
  console.log(
    `epoch ${epoch}/${epochs}: loss ${history.loss[0].toFixed(4)}, validation ${line(scored)}${model.epoch === epoch ? ", best so far" : ""}`,
  );
}

writeJson(outputPath("model", `models/${depth}-${seed}/model.json`), model);
