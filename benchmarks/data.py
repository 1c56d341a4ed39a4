"""The data sets that the benchmarks share: scikit-learn's own, and those in the folder that SKVAE_DATA names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine


def find(name: str, ending: str) -> Path:
    """The file of one data set of the SKVAE_DATA folder."""
    if "SKVAE_DATA" not in os.environ:
        raise SystemExit(f"This benchmark reads {name!r} from the folder that SKVAE_DATA names: set it.")
    return Path(os.environ["SKVAE_DATA"]) / name / f"{name}.{ending}"


def read(name: str) -> pd.DataFrame:
    """One table of the SKVAE_DATA folder."""
    return pd.read_csv(find(name, "csv.gz"))


def isolet() -> tuple[np.ndarray, np.ndarray]:
    """Spoken letters: 1,560 rows, 617 features in [-1, 1]."""
    table = read("isolet")
    return table.drop(columns="letter").to_numpy(float), table["letter"].to_numpy()


def digits() -> tuple[np.ndarray, np.ndarray]:
    """Handwritten digits: 1,797 rows, 64 pixels from 0 to 16."""
    bunch = load_digits()
    return bunch.data, bunch.target


def mnist() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Handwritten digits: 60,000 training and 10,000 test rows of 784 grey levels in [0, 1], each with its labels."""
    with np.load(find("mnist", "npz")) as images:
        train, test = (images[name].reshape(-1, 784) / np.float32(255) for name in ("X_train", "X_test"))
        return train, images["y_train"], test, images["y_test"]


def numeric_tables() -> dict[str, np.ndarray]:
    """Eight numeric tables from 150 to 20,433 rows and 4 to 617 columns."""
    pixels = digits()[0]
    housing = read("california_housing").select_dtypes("number").dropna()
    return {
        "iris": load_iris().data,
        "wine": load_wine().data,
        "diabetes": load_diabetes().data,
        "breast_cancer": load_breast_cancer().data,
        "digits": pixels + np.random.default_rng(0).random(pixels.shape),  # dequantised
        "isolet": isolet()[0],
        "california_housing": housing.to_numpy(float),
        "osmfish_counts": np.log1p(read("osmfish_counts").select_dtypes("number").to_numpy(float)),
    }
