// How far predictions are from what happened.
const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const rounded = (value) => Number(value.toFixed(6));

/**
 * Root mean square error and mean absolute error in minutes, and R² = 1 − SSE/SST, against the mean of `actual`
 * itself: 0 is as good as knowing that mean beforehand, which no forecast does, so a constant scores just under 0.
 */
export function score(actual, predicted) {
  const mean = meanOf(actual);
  const errors = actual.map((value, index) => value - predicted[index]);
  const squares = errors.reduce((sum, error) => sum + error * error, 0);
  const spread = actual.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    rmse: rounded(Math.sqrt(squares / actual.length)),
    mae: rounded(meanOf(errors.map(Math.abs))),
    r2: rounded(1 - squares / spread),
  };
}

/** What one gets without learning: the same answer for every flight. */
export function baselines(train, actual) {
  const constants = { mean: meanOf(train), median: train.toSorted((a, b) => a - b)[train.length >> 1], zero: 0 };
  return Object.fromEntries(
    Object.entries(constants).map(([name, value]) => [
      name,
      {
        minutes: rounded(value),
        ...score(
          actual,
          actual.map(() => value),
        ),
      },
    ]),
  );
}

export const line = ({ rmse, mae, r2 }) =>
  `RMSE ${rmse.toFixed(2)} min, MAE ${mae.toFixed(2)} min, R² ${r2.toFixed(4)}`;
