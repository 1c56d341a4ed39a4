"""Is the held-out score above that of the linear twins, and of a Gaussian mixture?

Eight standardised tables, 80 % of the rows for training, nats per row, mean over split seeds. PCA and
FactorAnalysis are the linear special cases of the default and of ``likelihood="student_t"``; the mixture has full
covariances and as many components as the others have dimensions.

    SKVAE_DATA=... python benchmarks/density.py [--seeds 3] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from data import numeric_tables
from sklearn.decomposition import PCA, FactorAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer


def scores(X: np.ndarray, n_components: int, seed: int) -> dict[str, float]:
    """Held-out score of every model on one split."""
    train, test = train_test_split(X, test_size=0.2, random_state=seed)
    scaler = StandardScaler().fit(train)
    train, test = scaler.transform(train), scaler.transform(test)
    rank = min(n_components, X.shape[1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = {
            "PCA": PCA(rank).fit(train).score(test),
            "FA": FactorAnalysis(rank).fit(train).score(test),
            "GMM": GaussianMixture(n_components, random_state=seed).fit(train).score(test),
        }
    start = time.perf_counter()
    for name, likelihood in (("default", "auto"), ("student_t", "student_t")):
        vae = VAETransformer(n_components, likelihood=likelihood, random_state=seed).fit(train)
        row[name] = vae.score(test)
        row[f"{name} IW"] = vae.log_likelihood(test).mean()
    return row | {"seconds": (time.perf_counter() - start) / 2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    options = parser.parse_args()
    rows = []
    for name, X in numeric_tables().items():
        for n_components in (2, 8):
            if options.only and name not in options.only:
                continue
            by_seed = pd.DataFrame([scores(X, n_components, seed) for seed in range(options.seeds)])
            worst = {
                "default-PCA, worst": (by_seed["default"] - by_seed["PCA"]).min(),
                "t-FA, worst": (by_seed["student_t"] - by_seed["FA"]).min(),
            }
            rows.append({"table": name, "K": n_components, **by_seed.mean(), **worst})
            print(pd.DataFrame(rows[-1:]).round(2).to_string(index=False, header=len(rows) == 1), flush=True)
    table = pd.DataFrame(rows)
    best = table[["default", "student_t"]].max(axis=1)
    print(f"\ndefault at or above PCA: {(table['default'] >= table['PCA']).sum()} of {len(table)}")
    print(f"student_t at or above FactorAnalysis: {(table['student_t'] >= table['FA']).sum()} of {len(table)}")
    print(f"better of ours above GaussianMixture: {(best > table['GMM']).sum()} of {len(table)}")


if __name__ == "__main__":
    main()
