"""Does `impute` fill gaps as well as chained regressions and chained forests?

A fifth of the observed cells of a table is hidden at random. All methods are fitted on what is left, gaps included, and
fill it: column medians and most frequent categories, scikit-learn's IterativeImputer with its Bayesian ridge, the same
with random forests (missForest; Stekhoven and Bühlmann 2012), and ours. The regressions see categories as indicators,
the forests as codes, which are rounded. Printed: root mean squared error of hidden numbers in standard deviations of
their column, accuracy of hidden categories, each a mean over columns; and the share of hidden numbers inside the 90 %
intervals of 50 draws.

    SKVAE_DATA=... python benchmarks/imputation.py [--tables california_housing adult] [--rows 10000] [--seeds 2]
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from data import read
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from skvae import VAETransformer


def numbers_of(table: pd.DataFrame) -> list[str]:
    return [name for name in table if pd.api.types.is_numeric_dtype(table[name])]


def hide(table: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table with a fifth of its observed cells missing, and where they were."""
    hidden = (np.random.default_rng(seed).random(table.shape) < 0.2) & table.notna()
    return table.astype(dict.fromkeys(numbers_of(table), float)).mask(hidden), hidden


def simple(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    numbers = numbers_of(table)
    return table.fillna({name: table[name].median() if name in numbers else table[name].mode()[0] for name in table})


def chained(table: pd.DataFrame, seed: int, estimator=None, *, indicators: bool) -> pd.DataFrame:
    """IterativeImputer on numbers and categories, as indicators or as codes."""
    numbers = numbers_of(table)
    parts, levels = [table[numbers]], {}
    for name in table.columns.difference(numbers, sort=False):
        codes, levels[name] = pd.factorize(table[name], sort=True)
        coded = pd.Series(codes, table.index, float, name).mask(codes < 0)
        if indicators:
            coded = pd.get_dummies(coded, dtype=float).mask(coded.isna()).add_prefix(f"{name}=")
        parts.append(coded)
    coded = pd.concat(parts, axis=1)
    mean, std = coded.mean(), coded.std().replace(0, 1)
    imputer = IterativeImputer(estimator, max_iter=10 if estimator is None else 4, random_state=seed)
    filled = pd.DataFrame(imputer.fit_transform((coded - mean) / std), table.index, coded.columns) * std + mean
    result = filled[numbers].copy()
    for name, values in levels.items():
        if indicators:
            best = filled[[f"{name}={float(code)}" for code in range(len(values))]].to_numpy().argmax(axis=1)
        else:
            best = filled[name].round().clip(0, len(values) - 1).astype(int)
        result[name] = np.asarray(values)[best]
    return result[table.columns]


def forests(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    forest = RandomForestRegressor(30, min_samples_leaf=3, max_features=0.5, random_state=seed)
    return chained(table, seed, forest, indicators=False)


def figures(table: pd.DataFrame, filled: pd.DataFrame, hidden: pd.DataFrame) -> dict[str, float]:
    numbers = numbers_of(table)
    errors = [np.sqrt(((filled[name] - table[name])[hidden[name]] ** 2).mean()) / table[name].std() for name in numbers]
    hits = [(filled[name] == table[name])[hidden[name]].mean() for name in table if name not in numbers]
    return {"error": float(np.mean(errors)), "accuracy": float(np.mean(hits))}


def coverage(table: pd.DataFrame, draws: list[pd.DataFrame], hidden: pd.DataFrame) -> float:
    """Share of hidden numbers between the 5 % and 95 % quantiles of their draws."""
    inside = []
    for name in numbers_of(table):
        values = np.stack([draw[name].to_numpy(float)[hidden[name]] for draw in draws])
        lower, upper = np.quantile(values, [0.05, 0.95], axis=0)
        truth = table[name].to_numpy(float)[hidden[name]]
        inside.append(((truth >= lower) & (truth <= upper)).mean())
    return float(np.mean(inside))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=["california_housing", "adult"])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=["simple", "ridge", "forests", "ours"])
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    rivals = {
        "simple": simple,
        "ridge": lambda table, seed: chained(table, seed, indicators=True),
        "forests": forests,
    }
    for name in options.tables:
        table = read(name).drop(columns="split", errors="ignore")
        table = table.sample(min(options.rows, len(table)), random_state=0, ignore_index=True)
        rows = []
        for seed in range(options.seeds):
            holes, hidden = hide(table, seed)
            for method in options.methods:
                start = time.perf_counter()
                if method == "ours":
                    vae = VAETransformer(16, decoder="autoregressive", random_state=seed).fit(holes)
                    filled = vae.impute(holes, random_state=seed)
                else:
                    filled = rivals[method](holes, seed)
                row = {"method": method, "seed": seed} | figures(table, filled, hidden)
                row["s"] = time.perf_counter() - start
                if method == "ours":
                    row["coverage"] = coverage(table, vae.impute(holes, n_draws=50, random_state=seed), hidden)
                rows.append(row)
                print(name, row, flush=True)
        print(f"\n{name}, {len(table)} rows, {int(hidden.to_numpy().sum())} hidden cells")
        print(pd.DataFrame(rows).groupby("method", sort=False).mean().drop(columns="seed").round(3).to_string())


if __name__ == "__main__":
    main()
