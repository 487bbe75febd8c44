"""The table of features, and how far predictions are from what happened."""

import csv
import json
import os
from pathlib import Path

import numpy as np

NOT_FEATURES = {"part", "day", "delay"}


def input_path(name: str) -> Path:
    return Path(os.environ[f"WEFT_INPUT_{name.upper()}"])


def output_path(name: str) -> Path:
    return Path(os.environ[f"WEFT_OUTPUT_{name.upper()}"])


def read_table() -> tuple[list[str], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Names of the features, and for each part of the split its rows (float32, flights × features) and delays (minutes)."""
    with input_path("table").open(newline="") as file:
        reader = csv.DictReader(file)
        features = [name for name in reader.fieldnames or [] if name not in NOT_FEATURES]
        rows = list(reader)
    parts = {}
    for part in ("train", "validation", "test"):
        chosen = [row for row in rows if row["part"] == part]
        parts[part] = (
            np.array([[row[name] for name in features] for row in chosen], dtype=np.float32),
            np.array([row["delay"] for row in chosen], dtype=np.float64),
        )
    return features, parts


def score(actual: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    errors = actual - predicted
    spread = float(np.sum((actual - actual.mean()) ** 2))
    return {
        "rmse": round(float(np.sqrt(np.mean(errors**2))), 6),
        "mae": round(float(np.mean(np.abs(errors))), 6),
        "r2": round(1 - float(np.sum(errors**2)) / spread, 6),
    }


def line(scored: dict[str, float]) -> str:
    return f"RMSE {scored['rmse']:.2f} min, MAE {scored['mae']:.2f} min, R² {scored['r2']:.4f}"


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n")
