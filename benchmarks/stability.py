"""Do two halves of the rows give the same components, in the same order?

Five tables of numbers: two fits, each on 40 % of the rows in their own standard deviations, transform the remaining
20 %, which neither has seen. By index: mean over k of |corr| between component k of one fit and component k of the
other, 1 where both say the same; matched: over the pairing of components that makes the mean largest, so that the
difference is what their order costs. ``PCA`` beside ``VAETransformer`` as it is and with ``ordered=True``; at most
2,000 rows a half.

    SKVAE_DATA=... python benchmarks/stability.py [--n-components 5] [--seeds 0 1] [--tables wine]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from data import digits, read
from scipy.optimize import linear_sum_assignment
from sklearn.base import TransformerMixin
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer

MAX_ROWS = 5000
TABLES: dict[str, Callable[[], np.ndarray]] = {
    "wine": lambda: load_wine().data,
    "breast_cancer": lambda: load_breast_cancer().data,
    "digits": lambda: digits()[0],
    "california_housing": lambda: read("california_housing").select_dtypes("number").dropna().to_numpy(float),
    "osmfish_counts": lambda: np.log1p(read("osmfish_counts").select_dtypes("number").to_numpy(float)),
}
MODELS: dict[str, Callable[[int, int], TransformerMixin]] = {
    "PCA": lambda k, seed: PCA(k, random_state=seed),
    "VAE": lambda k, seed: VAETransformer(k, random_state=seed),
    "VAE, ordered": lambda k, seed: VAETransformer(k, ordered=True, random_state=seed),
}


def agreement(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|corr| of each component of a with each of b, 0 where one of them is constant. Shape: (K, K)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.corrcoef(a, b, rowvar=False)[: a.shape[1], a.shape[1] :]
    return np.nan_to_num(np.abs(correlation))


def compare(X: np.ndarray, model: str, n_components: int, seed: int) -> dict[str, float]:
    """How far the components of two halves agree on new rows."""
    rows = np.random.default_rng(seed).permutation(len(X))[:MAX_ROWS]
    first, second, new = np.split(X[rows], [2 * len(rows) // 5, 4 * len(rows) // 5])
    start = time.process_time()
    # each half has a random state of its own, or both would start from the same weights
    fits = [
        make_pipeline(StandardScaler(), MODELS[model](n_components, 2 * seed + i)).fit(half)
        for i, half in enumerate((first, second))
    ]
    seconds = time.process_time() - start
    matrix = agreement(*(fit.transform(new) for fit in fits))
    return {
        "by index": matrix.diagonal().mean(),
        "matched": matrix[linear_sum_assignment(-matrix)].mean(),
        "first": matrix[0, 0],
        "CPU s a fit": seconds / 2,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--n-components", type=int, default=5)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    options = parser.parse_args()
    results = []
    for table in options.tables:
        for model in options.models:
            for seed in options.seeds:
                row = compare(TABLES[table](), model, options.n_components, seed)
                results.append({"table": table, "model": model, "seed": seed} | row)
                print(pd.DataFrame(results[-1:]).round(3).to_string(index=False, header=len(results) == 1), flush=True)
    means = pd.DataFrame(results).drop(columns="seed").groupby(["table", "model"], sort=False).mean()
    print("\n" + means.round(3).to_string())
    print("\n" + means.groupby("model", sort=False).mean().round(3).to_string())


if __name__ == "__main__":
    main()
