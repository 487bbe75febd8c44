"""Picks the model by its validation score, and refuses it if it is no better than the mean on the latest weeks."""

import json
import shutil

import numpy as np
from onnxruntime import InferenceSession

from table import input_path, line, output_path, read_table, score, write_json

features, parts = read_table()
candidates = [
    (json.loads(path.read_text()), path.with_name("model.onnx")) for path in sorted(input_path("models").glob("*/*/model.json"))
]
winner, path = min(candidates, key=lambda candidate: candidate[0]["validation"]["rmse"])
print(f"best of {len(candidates)} on the validation weeks: {winner['model']}")

rows, delays = parts["test"]
_, learned_from = parts["train"]
tested = score(delays, InferenceSession(path).run(None, {winner["input"]: rows})[0][:, 0])
mean = score(delays, np.full(len(delays), learned_from.mean()))
print(f"  validation  {line(winner['validation'])}\n  test        {line(tested)}\n  the mean    {line(mean)}")
if tested["rmse"] >= mean["rmse"]:
    raise SystemExit(f"refused: RMSE {tested['rmse']} on the latest weeks is no better than the {mean['rmse']} of predicting the mean")

shutil.copyfile(path, output_path("onnx"))
write_json(output_path("metrics"), {**winner, "test": tested, "baselines": {"mean": mean}, "features": features})
