"""Are our synthetic rows of small tables better than those of other generators, and do they come sooner?

Eight tables of 150 to 1,000 rows, two thirds of them to learn from, and the rest to judge by: those of scikit-learn
with their target as the last column, and insurance, titanic, abalone and horse_colic. Rivals: see `rivals.py`; those
whose packages are missing are left out.

As many rows are drawn as were learned from. The figures: coverage, the share of test rows with a drawn row within the
distance of their fifth neighbour among the test rows, over that of the training rows; the Wasserstein distance of
drawn rows to test rows; what gradient boosting that learned from drawn rows makes of test rows (mean AUC of the
classes, or R²); the two-sample score against test rows (1 = indistinguishable); the worst attack on membership by the
rows alone (AUC; .5 is chance); CPU seconds of the fit with its draws. Then the mean rank of each generator over all but
the seconds. Distances are sums of absolute differences, and a column counts up to 1. Each result is left in
OUT/MODEL-TABLE-SEED.json; what is there is not run again.

    SKVAE_DATA=... python benchmarks/small_tables.py [--tables wine] [--models ours cart] [--seeds 0 1] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from data import read
from rivals import NEEDS, SLOW, Sampler, load
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

MODELS = ["independent", "copula", "tvae", "forest_diffusion", "cart", "boosting", "ours"]
MAX_ROWS = 1000
MAX_CODES = 12  # values of a column of whole numbers that names categories
N_NEIGHBORS = 5
IS_BETTER = {"coverage": 1, "Wasserstein": -1, "downstream": 1, "2-sample": 1, "worst attack": -1}


def bundled(loader: Callable[..., object], **options: object) -> pd.DataFrame:
    """A table of scikit-learn's, classes by name."""
    bunch = loader(as_frame=True, **options)
    if "target_names" not in bunch:
        return bunch.frame
    return bunch.data.assign(target=np.asarray(bunch.target_names)[bunch.target])


def with_last(table: pd.DataFrame, target: str) -> pd.DataFrame:
    return table.assign(**{target: table.pop(target)})


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "iris": lambda: bundled(load_iris),
    "wine": lambda: bundled(load_wine),
    "horse_colic": lambda: with_last(read("horse_colic"), "outcome"),
    "diabetes": lambda: bundled(load_diabetes, scaled=False),
    "breast_cancer": lambda: bundled(load_breast_cancer),
    "titanic": lambda: with_last(read("titanic").astype({"survived": str}), "survived"),
    "insurance": lambda: read("insurance"),
    "abalone": lambda: read("abalone"),
}


def split(name: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows to learn from and rows to judge by, the target last and known."""
    table = TABLES[name]()
    table = table.dropna(subset=table.columns[-1])
    table = table.sample(min(MAX_ROWS, len(table)), random_state=seed).reset_index(drop=True)
    n_train = 2 * len(table) // 3
    return table[:n_train], table[n_train:].reset_index(drop=True)


def discrete(table: pd.DataFrame) -> list[str]:
    """Columns that a rival is told to be categories."""
    return [
        name
        for name in table
        if not pd.api.types.is_numeric_dtype(table[name])
        or (pd.api.types.is_integer_dtype(table[name]) and table[name].nunique() <= MAX_CODES)
    ]


def points(train: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Rows as points, between which the sum of absolute differences counts each column up to 1."""
    parts = []
    for name in train:
        if pd.api.types.is_numeric_dtype(train[name]):
            low, high = train[name].min(), train[name].max()
            filled = rows[name].astype(float).fillna(train[name].median())
            parts.append(((filled - low) / max(high - low, 1e-12)).to_numpy()[:, None])
        else:
            levels = train[name].dropna().unique()
            parts.append(pd.get_dummies(pd.Categorical(rows[name], levels), dtype=float).to_numpy() / 2)
    return np.hstack(parts)


def coverage(test: np.ndarray, rows: np.ndarray) -> float:
    """Share of test rows that have a drawn row as near as their fifth neighbour (Naeem et al. 2020, eq. 9)."""
    radius = np.sort(cdist(test, test, "cityblock"), axis=1)[:, N_NEIGHBORS]
    return float((cdist(test, rows, "cityblock").min(axis=1) <= radius).mean())


def wasserstein(test: np.ndarray, rows: np.ndarray) -> float:
    """The exact distance of equally many rows."""
    costs = cdist(test, rows[: len(test)], "cityblock")
    return float(costs[linear_sum_assignment(costs)].mean())


def downstream(test: pd.DataFrame, rows: pd.DataFrame, seed: int) -> float:
    """What boosting that learned from rows makes of the last column of test rows: mean AUC of the classes, or R²."""
    from skvae import metrics

    target = test[test.columns[-1]]
    score = metrics.downstream_score(rows, test, target.name, random_state=seed)
    return 1 - score**2 / target.var(ddof=0) if pd.api.types.is_numeric_dtype(target) else score


def judge(train: pd.DataFrame, test: pd.DataFrame, rows: pd.DataFrame, seed: int) -> dict[str, float]:
    """Every figure of one set of synthetic rows."""
    from skvae import metrics

    real, drawn = points(train, test), points(train, rows)
    memberships = metrics.audit(train, rows, test, random_state=seed).table
    return {
        "coverage": coverage(real, drawn) / max(coverage(real, points(train, train)), 1e-12),
        "Wasserstein": wasserstein(real, drawn),
        "downstream": downstream(test, rows, seed),
        "2-sample": metrics.two_sample_score(test, rows, random_state=seed),
        "worst attack": memberships.loc[memberships["chance"] == 0.5, "value"].max(),
    }


def run(table: str, model: str, seed: int) -> dict[str, object]:
    """One generator on one table."""
    train, test = split(table, seed)
    generate: Callable[..., Sampler] = load(model)
    start = time.process_time()
    rows = generate(train, discrete(train), seed)(len(train))
    seconds = time.process_time() - start
    return {"table": table, "model": model, "seed": seed} | judge(train, test, rows, seed) | {"CPU s": seconds}


def kept(path: Path, table: str, model: str, seed: int) -> dict[str, object]:
    """What ``run`` finds, or found before."""
    if not path.exists():
        path.write_text(json.dumps(run(table, model, seed), default=float))
    return json.loads(path.read_text())


def ranks(results: pd.DataFrame) -> pd.Series:
    """Mean rank of each generator over tables, seeds and figures."""
    signed = results[list(IS_BETTER)] * -pd.Series(IS_BETTER)
    ranked = signed.groupby([results["table"], results["seed"]]).rank()
    return ranked.mean(axis=1).groupby(results["model"], sort=False).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--models", nargs="+", choices=[*MODELS, *SLOW], default=MODELS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--out", type=Path, default=Path("small_tables"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")  # of small tables every generator says that they are small
    results = []
    for model in options.models:
        try:
            load(model)
        except ModuleNotFoundError as error:
            print(f"{model}: needs {', '.join(NEEDS[model])} ({error})", flush=True)
            continue
        for table in options.tables:
            for seed in options.seeds:
                results.append(kept(options.out / f"{model}-{table}-{seed}.json", table, model, seed))
                print(pd.DataFrame(results[-1:]).round(3).to_string(index=False, header=len(results) == 1), flush=True)
    figures = pd.DataFrame(results)
    means = figures.drop(columns=["table", "seed"]).groupby("model", sort=False).mean()
    print("\n" + means.assign(rank=ranks(figures)).round(3).to_string())


if __name__ == "__main__":
    main()
