"""Does `VAEOutlierDetector` find rows of another class better than scikit-learn's IsolationForest and PyOD's VAE?

Tables with classes become tables with outliers: the rows of the most frequent class are normal (or, for "one of many",
those of all classes but the rarest), and a tenth of all rows are drawn from the others. Twice: "outliers", fitted on
the very rows that are then ranked, outliers among them; and "novelties", fitted on half of the normal rows, and ranking
the other half and the outliers. All detectors have their defaults and are told the share of outliers where they are
fitted on some. Ours reads tables as they are; the others get medians for gaps and indicators for categories.

Printed: area under the curve (AUROC) of each table, mean of the seeds, and the processor seconds of a fit with its
scores. PyOD is `pip install pyod`, and is left out where it is missing.

    SKVAE_DATA=... python benchmarks/outliers.py [--tables wine adult] [--seeds 0 1 2] [--rows 400]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from data import digits, isolet, read
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skvae import VAEOutlierDetector

SHARE = 0.1  # of outliers among all rows


def labelled(name: str, target: str) -> tuple[pd.DataFrame, np.ndarray]:
    """A table of the SKVAE_DATA folder without its class, and the class."""
    table = read(name).drop(columns="split", errors="ignore")
    return table.drop(columns=target), table[target].astype(str).to_numpy()


TABLES: dict[str, Callable[[], tuple[Any, np.ndarray]]] = {
    "wine": lambda: load_wine(return_X_y=True),
    "breast_cancer": lambda: load_breast_cancer(return_X_y=True),
    "digits": digits,
    "digits, one of many": digits,
    "isolet, one of many": isolet,
    "osmfish_counts": lambda: labelled("osmfish_counts", "cell_type"),
    "california_housing": lambda: labelled("california_housing", "ocean_proximity"),
    "adult": lambda: labelled("adult", "income"),
    "horse_colic": lambda: labelled("horse_colic", "outcome"),
}


def with_outliers(name: str, max_rows: int, seed: int) -> tuple[Any, np.ndarray]:
    """Rows in random order, and which of them are outliers."""
    X, y = TABLES[name]()
    rng = np.random.default_rng(seed)
    classes = pd.Series(y).value_counts()
    is_normal = y != classes.idxmin() if "one of many" in name else y == classes.idxmax()
    normal = rng.permutation(np.flatnonzero(is_normal))[:max_rows]
    odd = rng.permutation(np.flatnonzero(~is_normal))[: round(SHARE / (1 - SHARE) * len(normal))]
    rows = rng.permutation(np.concatenate([normal, odd]))
    return (X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows]), np.isin(rows, odd)


def as_numbers(X: Any) -> Any:
    """What turns a table into the numbers that the rivals need."""
    numbers, others = make_column_selector(dtype_include="number"), make_column_selector(dtype_exclude="number")
    if not isinstance(X, pd.DataFrame):
        return SimpleImputer(strategy="median")
    indicators = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((SimpleImputer(strategy="median"), numbers), (indicators, others))


def ours(train: Any, test: Any, contamination: Any, seed: int) -> Any:
    return VAEOutlierDetector(contamination=contamination, random_state=seed).fit(train).score_samples(test)


def forest(train: Any, test: Any, contamination: Any, seed: int) -> Any:
    detector = IsolationForest(contamination=contamination, random_state=seed)
    return make_pipeline(as_numbers(train), detector).fit(train).score_samples(test)


def vae_of_pyod(train: Any, test: Any, contamination: Any, seed: int) -> Any:
    from pyod.models.vae import VAE

    encoder = as_numbers(train)
    share = {} if contamination == "auto" else {"contamination": contamination}
    detector = VAE(verbose=0, random_state=seed, **share).fit(encoder.fit_transform(train))
    return -detector.decision_function(encoder.transform(test))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--rows", type=int, default=400, help="normal rows, at most")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    detectors = {"IsolationForest": forest, "pyod VAE": vae_of_pyod, "VAEOutlierDetector": ours}
    if find_spec("pyod") is None:
        print("without PyOD, which is not installed")
        del detectors["pyod VAE"]
    results = []
    for name in options.tables:
        for seed in options.seeds:
            X, is_odd = with_outliers(name, options.rows, seed)
            positions = np.arange(len(is_odd))
            normal = positions[~is_odd]
            known, fresh = normal[::2], np.concatenate([normal[1::2], positions[is_odd]])
            for task, train, test, share in [
                ("outliers", positions, positions, SHARE),
                ("novelties", known, fresh, "auto"),
            ]:
                A, B = (X.iloc[rows] if isinstance(X, pd.DataFrame) else X[rows] for rows in (train, test))
                for detector, scores in detectors.items():
                    start = time.process_time()
                    auc = roc_auc_score(~is_odd[test], scores(A, B, share, seed))
                    row = {"task": task, "table": name, "seed": seed, "detector": detector, "auc": auc}
                    results.append(row | {"cpu_s": time.process_time() - start, "rows": len(A), "columns": X.shape[1]})
                    print(results[-1], flush=True)
    table = pd.DataFrame(results).pivot_table(
        index=["table", "columns"], columns=["task", "detector"], values="auc", sort=False
    )
    print(table.round(3).to_string())
    print("\nmean over tables")
    print(pd.DataFrame(results).groupby(["task", "detector"], sort=False)[["auc", "cpu_s"]].mean().round(4).to_string())


if __name__ == "__main__":
    main()
