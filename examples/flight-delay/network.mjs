// The model: standardised features, then dense layers. Kept as plain JSON, so that it can be read and turned into ONNX.
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { initializers, layers, regularizers, sequential } from "@tensorflow/tfjs-layers";

tf.enableProdMode(); // without its advertisement for the native backend

const UNITS = 16;
/** Weights are drawn to 0 with this force: there is far more noise than signal in a delay. */
const L2 = 0.01;

/** `depth` hidden layers; 0: a linear model. */
export function newNetwork(inputs, depth, seed) {
  const network = sequential();
  for (let layer = 0; layer <= depth; layer++) {
    network.add(
      layers.dense({
        units: layer < depth ? UNITS : 1,
        activation: layer < depth ? "relu" : "linear",
        kernelInitializer: initializers.glorotUniform({ seed: seed * 1000 + layer }),
        kernelRegularizer: regularizers.l2({ l2: L2 }),
        ...(layer === 0 && { inputShape: [inputs] }),
      }),
    );
  }
  return network;
}

/** Mean and standard deviation of each column. */
export function fitScaler(rows) {
  const columns = rows[0].map((_, column) => rows.map((row) => row[column]));
  const mean = columns.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const deviation = columns.map((values, column) =>
    Math.sqrt(values.reduce((sum, value) => sum + (value - mean[column]) ** 2, 0) / values.length),
  );
  return { mean, deviation: deviation.map((value) => value || 1) }; // a column that never changes says nothing
}

export const scaled = (rows, { mean, deviation }) =>
  tf.tensor2d(rows.map((row) => row.map((value, column) => (value - mean[column]) / deviation[column])));

/** [{ weights: [inputs][units], bias: [units] }], first layer first; all but the last are followed by ReLU. */
export const toLayers = (network) =>
  network.layers.map((layer) => {
    const [weights, bias] = layer.getWeights();
    return { weights: weights.arraySync(), bias: bias.arraySync() };
  });

/** Delays in minutes, from a model as `train.mjs` writes it. */
export function predict(model, rows) {
  return tf.tidy(() => {
    let values = scaled(rows, model.scaler);
    for (const [index, { weights, bias }] of model.layers.entries()) {
      values = tf.add(tf.matMul(values, tf.tensor2d(weights)), tf.tensor1d(bias));
      if (index < model.layers.length - 1) values = tf.relu(values);
    }
    return Array.from(tf.add(tf.mul(values, model.target.scale), model.target.offset).dataSync());
  });
}
