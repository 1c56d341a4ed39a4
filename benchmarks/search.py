"""How much faster are all candidates of a grid trained together than one after another?

Ten latent sizes × three values of β × five folds, 150 fits, on standardised tables: ``GridSearchCV`` in processes, and
``VAESearchCV`` as it is typed, without ``n_jobs``, with and without successive halving. Each search runs in a process
of its own and leaves OUT/TABLE-SEARCH-ROUND.json; what is there is not run again. Printed: seconds, their ratio within
a round, whether the best candidates agree within a standard error of the mean over folds, and the rank correlation of
the mean scores.

    python benchmarks/search.py [--tables wine digits] [--rounds 3] [--n-jobs 2] [--max-iter auto] [--out search]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

TABLES = {"wine": load_wine, "breast_cancer": load_breast_cancer, "digits": load_digits}
GRID = {"n_components": [1, 2, 3, 4, 5, 6, 8, 10, 12, 16], "beta": [0.5, 1.0, 2.0]}
SEARCHES = ["GridSearchCV", "VAESearchCV", "VAESearchCV, factor=3"]
TARGETS = {"wine": (3.0, 6.0), "breast_cancer": (3.0, 6.0), "digits": (1.5, 4.0)}  # without and with halving


def measure(path: Path, table: str, search: str, options: argparse.Namespace) -> None:
    """One search: the work of one process."""
    from skvae import VAESearchCV, VAETransformer  # here, so that the process that starts the others stays small

    X = StandardScaler().fit_transform(TABLES[table]().data)
    max_iter = options.max_iter if options.max_iter == "auto" else int(options.max_iter)
    vae = VAETransformer(max_iter=max_iter, random_state=0)
    settings = {"cv": 5, "refit": False}
    start = time.perf_counter()
    if search == "GridSearchCV":
        found = GridSearchCV(vae, GRID, n_jobs=options.n_jobs, **settings).fit(X)
    else:
        found = VAESearchCV(vae, GRID, factor=3 if "factor" in search else None, **settings).fit(X)
    seconds, results = time.perf_counter() - start, found.cv_results_
    facts = {"seconds": seconds, "mean": list(results["mean_test_score"]), "std": list(results["std_test_score"])}
    path.write_text(json.dumps(facts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--n-jobs", type=int, default=2, help="processes of GridSearchCV")
    parser.add_argument("--max-iter", default="auto")
    parser.add_argument("--out", type=Path, default=Path("search"))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        path, table, search = options.one
        return measure(Path(path), table, search, options)
    options.out.mkdir(parents=True, exist_ok=True)
    for seed in range(options.rounds):
        for table in options.tables:
            for search in SEARCHES:
                path = options.out / f"{table}-{search}-{seed}.json"
                if not path.exists():
                    command = [sys.executable, __file__, "--n-jobs", str(options.n_jobs)]
                    command += ["--max-iter", options.max_iter, "--one", str(path), table, search]
                    subprocess.run(command, check=True)
                print(f"{path.stem}: {json.loads(path.read_text())['seconds']:.1f} s", flush=True)
    rows = []
    for table in options.tables:
        rounds = [
            [json.loads((options.out / f"{table}-{search}-{seed}.json").read_text()) for search in SEARCHES]
            for seed in range(options.rounds)
        ]
        for s, search in enumerate(SEARCHES):
            reference, own = rounds[0][0], rounds[0][s]
            mean = np.array(reference["mean"])
            best, chosen = int(mean.argmax()), int(np.argmax(own["mean"]))
            error = reference["std"][best] / np.sqrt(5)
            rows.append(
                {
                    "table": table,
                    "search": search,
                    "seconds": np.median([facts[s]["seconds"] for facts in rounds]),
                    "times faster": np.median([facts[0]["seconds"] / facts[s]["seconds"] for facts in rounds]),
                    "target": np.nan if s == 0 else TARGETS[table][s - 1],
                    "same best": chosen == best,
                    "standard errors below": (mean[best] - mean[chosen]) / error,
                    "rank correlation": pd.Series(mean).corr(pd.Series(own["mean"]), method="spearman"),
                }
            )
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
