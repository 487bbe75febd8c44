"""Trains one model on the training weeks, scores it on the validation weeks, and keeps it as ONNX."""

import argparse

import numpy as np
from onnxruntime import InferenceSession
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import RegressorMixin
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from table import line, output_path, read_table, score, write_json

OPSET = 17
INPUT = "features"
# Minutes. Later counts as this late while learning: squares make one such flight outweigh hundreds of others.
DELAY_LEARNED_MAX = 180
# Minutes. ONNX computes in 32-bit floats; anything larger is a mistake in the export.
DIFFERENCE_MAX = 0.01

MODELS = {
    "ridge": lambda: make_pipeline(StandardScaler(), Ridge(alpha=10)),
    "forest": lambda: RandomForestRegressor(40, max_depth=6, min_samples_leaf=20, max_features=8, random_state=1),
    "boosting": lambda: GradientBoostingRegressor(
        learning_rate=0.05, n_estimators=80, max_depth=3, max_features=8, subsample=0.5, random_state=1
    ),
}


def to_onnx(model: RegressorMixin, features: int, name: str) -> bytes:
    inputs = [(INPUT, FloatTensorType([None, features]))]
    # With a name: without one it would get another each time, and so would its digest.
    return convert_sklearn(model, name=f"flight delay, {name}", initial_types=inputs, target_opset=OPSET).SerializeToString()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=MODELS, required=True)
    name = parser.parse_args().model

    features, parts = read_table()
    rows, delays = parts["train"]
    print(f"{name}: {len(rows)} flights, {len(features)} features", flush=True)
    model = MODELS[name]()
    model.fit(rows, np.minimum(delays, DELAY_LEARNED_MAX))

    rows, delays = parts["validation"]
    ours = model.predict(rows)
    scored = score(delays, ours)
    print(f"validation {line(scored)}")

    onnx = to_onnx(model, len(features), name)
    theirs = InferenceSession(onnx).run(None, {INPUT: rows})[0][:, 0]
    difference = float(np.max(np.abs(ours - theirs)))
    if not difference <= DIFFERENCE_MAX:
        raise SystemExit(f"the ONNX file predicts up to {difference} minutes off the model; at most {DIFFERENCE_MAX} is rounding")
    print(f"ONNX and the model agree on {len(rows)} flights to {difference:.1e} minutes")

    folder = output_path("model")
    (folder / "model.onnx").write_bytes(onnx)
    write_json(folder / "model.json", {"model": name, "validation": scored, "opset": OPSET, "input": INPUT})


if __name__ == "__main__":
    main()
