"""Tables in which no rule holds but by chance: columns of many kinds, some of which depend on one another."""

import numpy as np
import pandas as pd

FIRST_DAY = pd.Timestamp("2015-01-01")


def normals(rng, n):
    return rng.normal(rng.normal(0, 10), rng.lognormal(), n)


def heavy_tails(rng, n):
    return [rng.standard_cauchy, lambda n: rng.pareto(1.5, n), lambda n: rng.lognormal(3, 1.5, n)][rng.integers(3)](n)


def counts(rng, n):
    return rng.poisson(rng.lognormal(1, 1.5), n)


def categories(rng, n):
    levels = np.array([f"v{k}" for k in range(rng.integers(2, 30))])
    return rng.choice(levels, n, p=rng.dirichlet(np.full(len(levels), rng.choice([0.3, 1, 5]))))


def rounded(rng, n):
    return np.round(rng.lognormal(rng.normal(2, 2), 0.7, n), rng.integers(3))


def dates(rng, n):
    return FIRST_DAY + pd.to_timedelta(rng.integers(0, 2500, n), "D")


def correlated(rng, n, common):
    """Numbers of several scales and precisions, correlated by .04 to .9."""
    return _to_some_decimals(rng, rng.choice([1.0, 10.0]) * (_dependent(rng, common) + rng.normal(0, 3)))


def sizes(rng, n, common):
    """Positive numbers that grow together, log-normal."""
    return _to_some_decimals(rng, np.exp(rng.normal(2, 2) + rng.uniform(0.3, 1) * _dependent(rng, common)))


def near_dates(rng, n, common):
    """Days around one that rows have in common, before it as often as after it."""
    return FIRST_DAY + pd.to_timedelta(np.rint(1000 * common + rng.normal(0, 20, n)), "D")


def _dependent(rng, common):
    share = rng.uniform(0.2, 0.95)
    return share * common + np.sqrt(1 - share**2) * rng.normal(size=len(common))


def _to_some_decimals(rng, x):
    decimals = rng.choice([-1, 0, 1, 2])
    return x if decimals < 0 else np.round(x, decimals)


ALONE = [normals, heavy_tails, counts, categories, rounded, dates]
TOGETHER = [correlated, sizes, near_dates]
KINDS = [*ALONE, *TOGETHER]


def unruled(seed):
    """A table of 50 to 3,000 rows and 2 to 20 columns, of one kind or of all; a third of them have gaps."""
    rng = np.random.default_rng(seed)
    n, n_columns = int(np.exp(rng.uniform(np.log(50), np.log(3000)))), int(rng.integers(2, 21))
    common = {kind: rng.normal(size=n) for kind in TOGETHER}
    which = seed % (len(KINDS) + 3)  # three of twelve tables have all kinds
    kinds = [KINDS[which]] * n_columns if which < len(KINDS) else rng.choice(KINDS, n_columns)
    columns = [kind(rng, n, common[kind]) if kind in common else kind(rng, n) for kind in kinds]
    X = pd.DataFrame({f"c{j}": pd.Series(column) for j, column in enumerate(columns)})
    if rng.random() < 1 / 3:
        for j in range(0, n_columns, 2):
            X[f"c{j}"] = X[f"c{j}"].mask(rng.random(n) < rng.uniform(0, 0.3))
    return X
