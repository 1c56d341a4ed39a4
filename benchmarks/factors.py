"""Are the factors behind a table found, told apart and counted?

Simulated: F factors, each of which drives columns of its own by five kinds of curves, with noise .3. Half of the tables
have dependent factors (correlation .5), and the numbers of columns are unequal. Twice as many components are given as
there are factors. Of each model, on 1,000 rows of test:

- named: share of columns whose strongest component is the one that is matched to their factor;
- rho: largest Spearman correlation, in size, of a component with each factor, matched one to one;
- spare: share of the explained variance that the components beyond the F-th have;
- score: nats per row.

PCA and a plain fit are told nothing either; "plain, told" is a plain fit with F components, "FA, told" a factor
analysis of F with varimax. "ordered, rotated" has the components of the ordered fit as ``rotated_factors`` turns them.

    python benchmarks/factors.py [--seeds 10] [--factors 2 3 4 5 6]
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.stats import spearmanr
from sklearn.decomposition import PCA, FactorAnalysis

from skvae import VAETransformer
from skvae.inspection import Factors, rotated_factors

N_TRAIN, N_TEST, NOISE, CORRELATION = 2500, 1000, 0.3, 0.5


class Simulated(NamedTuple):
    """Rows, the factors behind them, and the factor of each column."""

    train: np.ndarray
    test: np.ndarray
    factors: np.ndarray  # of the test rows
    owner: np.ndarray


def curves(z: np.ndarray) -> list[np.ndarray]:
    """Five kinds of curves of a factor."""
    return [z, np.tanh(2 * z), np.exp(0.6 * z), z**2 - 1, np.sin(2 * z)]


def simulate(n_factors: int, seed: int) -> Simulated:
    """Standardised rows; factors depend on each other where the seed is odd."""
    rng, n_rows = np.random.default_rng(seed), N_TRAIN + N_TEST
    correlation = CORRELATION if seed % 2 else 0.0
    shared = rng.normal(size=(n_rows, 1))
    own = rng.normal(size=(n_rows, n_factors))
    z = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    columns, owner = [], []
    for f in range(n_factors):
        for c in range(int(rng.integers(4, 10))):
            columns.append(rng.choice([-1, 1]) * curves(z[:, f])[c % 5])
            owner.append(f)
    X = np.column_stack(columns)
    X = (X - X.mean(axis=0)) / X.std(axis=0) + NOISE * rng.normal(size=X.shape)
    return Simulated(X[:N_TRAIN], X[N_TRAIN:], z[N_TRAIN:], np.array(owner))


def judged(model, data: Simulated, turned: Factors | None = None) -> dict[str, float]:
    """What a fitted model has made of the factors, its components as they are or turned."""
    n_factors = data.factors.shape[1]
    Z, effects = model.transform(data.test), by_column(model)
    if turned is not None:
        Z, effects = Z @ turned.rotation, turned.strength
    rho = np.abs(spearmanr(data.factors, Z).statistic[:n_factors, n_factors:])
    factors, components = linear_sum_assignment(-rho)
    matched = dict(zip(factors, components, strict=True))
    strongest = effects.argmax(axis=0)
    shares = getattr(model, "explained_variance_ratio_", np.ones(n_factors))
    shares = np.sort(np.clip(shares, 0, None))[::-1]
    return {
        "named": np.mean([strongest[d] == matched.get(f) for d, f in enumerate(data.owner)]),
        "rho": rho[factors, components].mean(),
        "spare": shares[n_factors:].sum() / shares.sum(),
        "score": model.score(data.test),
    }


def by_column(model) -> np.ndarray:
    """How much of each column every component explains. Shape: (K, D)."""
    if isinstance(model, PCA):
        return np.abs(model.components_ * np.sqrt(model.explained_variance_)[:, None])
    if isinstance(model, FactorAnalysis):
        return np.abs(model.components_)
    return model.explained_variance_by_column_ if model.ordered else model.strength_


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--factors", type=int, nargs="+", default=[2, 3, 4, 5, 6])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for seed in range(options.seeds):
        n_factors = options.factors[seed % len(options.factors)]
        data = simulate(n_factors, seed)
        models = {
            "PCA": PCA(min(2 * n_factors, data.train.shape[1])),
            "FA, told": FactorAnalysis(n_factors, rotation="varimax"),
            "plain": VAETransformer(2 * n_factors, random_state=seed),
            "plain, told": VAETransformer(n_factors, random_state=seed),
            "ordered": VAETransformer(2 * n_factors, ordered=True, random_state=seed),
        }
        for name, model in models.items():
            begin = time.process_time()
            model.fit(data.train)
            views = {name: judged(model, data)}
            if name == "ordered":
                views["ordered, rotated"] = judged(model, data, rotated_factors(model, data.train))
            for view, measured in views.items():
                row = {"seed": seed, "factors": n_factors, "columns": len(data.owner), "model": view}
                rows.append(row | measured | {"seconds": time.process_time() - begin})
                print(pd.DataFrame(rows[-1:]).round(3).to_string(index=False, header=len(rows) == 1), flush=True)
    table = pd.DataFrame(rows)
    table["factors are"] = np.where(table["seed"] % 2, "dependent", "independent")
    measured = ["named", "rho", "spare", "score", "seconds"]
    print("\n", table.groupby("model", sort=False)[measured].mean().round(3).to_string())
    print("\n", table.groupby(["factors are", "model"], sort=False)[measured].mean().round(3).to_string())


if __name__ == "__main__":
    main()
