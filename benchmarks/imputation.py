"""Does `impute` fill gaps as well as chained regressions and chained forests, whatever hides the cells?

A fifth of the observed cells of a table is hidden: at random, or by any of the thirteen patterns of missingness.py. All
methods are fitted on what is left, gaps included, and fill it: column medians and most frequent categories, scikit-
learn's IterativeImputer with its Bayesian ridge, the same with random forests (missForest; Stekhoven and Bühlmann
2012), and ours. The regressions see categories as indicators, the forests as codes, which are rounded. Printed: root
mean squared error of hidden numbers in standard deviations of their column, accuracy of hidden categories, each a mean
over columns; the share of hidden numbers inside the 90 % intervals of 50 draws; and the mean rank of each method: in
each table, pattern and seed the methods are ranked by their error and by their accuracy (1 is best, equal ones share
the mean of their places), and the two ranks are averaged, or the one is taken where no category or no number is hidden.

    SKVAE_DATA=... python benchmarks/imputation.py [--patterns all] [--tables adult abalone] [--rows 2000] [--seeds 1]
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings

import numpy as np
import pandas as pd
from data import read
from missingness import PATTERNS, hidden_cells
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from skvae import VAETransformer


def numbers_of(table: pd.DataFrame) -> list[str]:
    return [name for name in table if pd.api.types.is_numeric_dtype(table[name])]


def hide(table: pd.DataFrame, pattern: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table with a fifth of its observed cells missing, and where they were."""
    hidden = hidden_cells(table, pattern, seed)
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
    """Means over the columns in which cells are hidden; NaN where there is none."""
    numbers = numbers_of(table)
    errors, hits = [], []
    for name in table.columns[hidden.any()]:
        truth, guess = table.loc[hidden[name], name], filled.loc[hidden[name], name]
        if name in numbers:
            errors.append(np.sqrt(((guess - truth) ** 2).mean()) / table[name].std())
        else:
            hits.append((guess == truth).mean())
    return {"error": float(pd.Series(errors).mean()), "accuracy": float(pd.Series(hits).mean())}


def coverage(table: pd.DataFrame, draws: list[pd.DataFrame], hidden: pd.DataFrame) -> float:
    """Share of hidden numbers between the 5 % and 95 % quantiles of their draws."""
    inside = []
    for name in table[numbers_of(table)].columns[hidden[numbers_of(table)].any()]:
        values = np.stack([draw[name].to_numpy(float)[hidden[name]] for draw in draws])
        lower, upper = np.quantile(values, [0.05, 0.95], axis=0)
        truth = table[name].to_numpy(float)[hidden[name]]
        inside.append(((truth >= lower) & (truth <= upper)).mean())
    return float(pd.Series(inside).mean())


def fill(method: str, holes: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, VAETransformer | None]:
    """The filled table, and the model if it is ours."""
    if method == "ours":
        vae = VAETransformer(10, random_state=seed).fit(holes)
        return vae.impute(holes, random_state=seed), vae
    return RIVALS[method](holes, seed), None


RIVALS = {
    "simple": simple,
    "ridge": lambda table, seed: chained(table, seed, indicators=True),
    "forests": forests,
}


def compare(table: pd.DataFrame, pattern: str, seed: int, methods: list[str]) -> list[dict[str, float | str]]:
    """One row of figures for each method."""
    holes, hidden = hide(table, pattern, seed)
    rows = []
    for method in methods:
        start = time.perf_counter()
        filled, vae = fill(method, holes, seed)
        seconds = time.perf_counter() - start
        row = {"pattern": pattern, "method": method, "seed": seed} | figures(table, filled, hidden) | {"s": seconds}
        if vae is not None:
            row["coverage"] = coverage(table, vae.impute(holes, n_draws=50, random_state=seed), hidden)
        rows.append(row)
    return rows


def with_ranks(results: pd.DataFrame) -> pd.DataFrame:
    """With each method's rank within its table, pattern and seed: the mean of the ranks by error and by accuracy."""
    groups = results.groupby(["table", "pattern", "seed"])
    ranks = pd.concat([groups["error"].rank(), groups["accuracy"].rank(ascending=False)], axis=1)
    return results.assign(rank=ranks.mean(axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=["california_housing", "adult", "abalone", "insurance"])
    parser.add_argument("--patterns", nargs="+", default=["mcar"], choices=["all", *PATTERNS])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=["simple", "ridge", "forests", "ours"])
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    patterns = list(PATTERNS) if "all" in options.patterns else options.patterns
    rows = []
    for pattern, name in itertools.product(patterns, options.tables):
        table = read(name).drop(columns="split", errors="ignore")
        table = table.sample(min(options.rows, len(table)), random_state=0, ignore_index=True)
        for seed in range(options.seeds):
            found = [{"table": name} | row for row in compare(table, pattern, seed, options.methods)]
            rows += found
            print(pd.DataFrame(found).round(3).to_string(index=False, header=False), flush=True)
    results = with_ranks(pd.DataFrame(rows)).drop(columns="seed")
    figure_names = results.columns.difference(["table", "pattern", "method"], sort=False).tolist()
    for groups in (["table", "method"], ["pattern", "method"], ["method"]):
        print(f"\nMean over what is not named, {options.rows} rows at most")
        print(results.groupby(groups, sort=False)[figure_names].mean().round(3).to_string())


if __name__ == "__main__":
    main()
