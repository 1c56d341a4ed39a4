"""What do attacks find in our synthetic rows and in our model, beside the rows of other generators?

Every attack of `skvae.metrics.audit` on 2,000 challenge rows, half of them training rows: membership (AUC; .5 is
chance), singling out, linking and inference (right guesses about training rows minus those about other rows; 0 is
chance). So many rows as are told, or a quarter of the table, are learned from, as many are held out, as many are what
the attacker knows. The generators are those of `rivals.py` whose packages are installed, the training rows themselves,
and fresh rows, in which nothing can be found: what their figures are off chance is noise. "Worst" is the largest AUC;
at "model" the attacker holds the model and a second one, fitted on the rows that it knows.

    SKVAE_DATA=... python benchmarks/privacy.py [--tables adult:1000] [--models ours cart] [--seeds 2] [--out privacy]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import pandas as pd
from data import read
from rivals import NEEDS, Sampler, load

TABLES = ["adult:1000", "adult:2500", "default_credit:2500", "telco_churn:2500"]
MODELS = ["training rows", "fresh rows", "independent", "cart", "boosting", "tvae", "ctgan", "ours"]
SPLIT = ["split"]  # columns that are none of a person
MAX_CODES = 12  # values of a column of whole numbers that names categories
SHORT = {
    "the density of synthetic rows": "density",
    "a classifier of synthetic rows": "classifier",
    "distances over all columns": "distance",
    "distances over random subsets of columns": "subsets",
    "distances over correlated subsets of columns": "correlated",
    "likelihood (score_samples)": "ELBO",
    "relative likelihood (score_samples)": "relative ELBO",
    "likelihood (log_likelihood)": "log p",
    "relative likelihood (log_likelihood)": "relative log p",
    "singling out by one column": "single 1",
    "singling out by 3 columns": "single 3",
    "singling out by 6 columns": "single 6",
    "linking two halves of a row": "linking",
}


def parts(name: str, n_rows: int, seed: int) -> list[pd.DataFrame]:
    """Rows to learn from, held-out rows, rows that the attacker knows, and fresh rows, none twice."""
    table = read(name)
    table = table.drop(columns=[column for column in SPLIT if column in table])
    order = np.random.default_rng(seed).permutation(len(table))
    n_rows = min(n_rows, len(table) // 4)
    return [table.iloc[order[i * n_rows : (i + 1) * n_rows]].reset_index(drop=True) for i in range(4)]


def discrete(table: pd.DataFrame) -> list[str]:
    """Columns that a rival is told to be categories."""
    return [
        name
        for name in table
        if not pd.api.types.is_numeric_dtype(table[name])
        or (pd.api.types.is_integer_dtype(table[name]) and table[name].nunique() <= MAX_CODES)
    ]


def generator(model: str, train: pd.DataFrame, fresh: pd.DataFrame, seed: int) -> Sampler:
    """A rival, or rows as they are."""
    if model == "training rows":
        return lambda n: train.sample(n, random_state=seed)
    if model == "fresh rows":
        return lambda n: fresh
    return load(model)(train, discrete(train), seed)


def attacked(name: str, n_rows: int, model: str, seed: int) -> dict[str, float | str]:
    """The figures of one generator on one table."""
    from skvae import VAETransformer, metrics

    train, holdout, reference, fresh = parts(name, n_rows, seed)
    if model == "ours":  # the model itself is attacked, too
        ours = VAETransformer(n_components=10, random_state=seed).fit(train)
        known = VAETransformer(n_components=10, random_state=seed + 1000).fit(reference)
        rows, held = ours.sample(len(train), random_state=seed), {"model": ours, "reference_model": known}
    else:
        rows, held = generator(model, train, fresh, seed)(len(train)), {}
    start = time.perf_counter()
    found = metrics.audit(train, rows, holdout, reference=reference, random_state=seed, **held)
    seconds = time.perf_counter() - start
    values = found.table["value"]
    figures = {SHORT[attack]: values[attack] for attack in values.index if attack in SHORT}
    figures["inference"] = values[values.index.str.startswith("inference")].max()
    memberships = found.table[found.table["chance"] == 0.5]
    for needs, group in memberships.groupby("needs", sort=False):
        figures[f"worst AUC, {needs}"] = group["value"].max()
    figures["two-sample"] = metrics.two_sample_score(holdout, rows, random_state=seed)
    return figures | {"worst": found.worst.attack, "leaks": found.leaks, "audit s": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=TABLES, help="names with numbers of rows: adult:2500")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("privacy"), help="figures that are there are not made again")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    for table in options.tables:
        name, n_rows = table.split(":")
        for model in options.models:
            for seed in range(options.seeds):
                path = options.out / f"{name}-{n_rows}-{model.replace(' ', '_')}-{seed}.json"
                try:
                    if not path.exists():
                        path.write_text(json.dumps(attacked(name, int(n_rows), model, seed)))
                except ModuleNotFoundError as error:
                    print(f"{model}: needs {', '.join(NEEDS[model])} ({error})", flush=True)
                    break
                results.append({"table": table, "model": model, "seed": seed, **json.loads(path.read_text())})
                print(f"{time.strftime('%H:%M:%S')} {path.stem}: worst is {results[-1]['worst']}", flush=True)
    table = pd.DataFrame(results).drop(columns=["seed", "worst"])
    print(table.groupby(["table", "model"], sort=False).mean().round(3).T.to_string())


if __name__ == "__main__":
    main()
