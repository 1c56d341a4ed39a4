"""Are our synthetic rows better than those of the other table generators, and do they come sooner?

Rivals: independent columns, an EM mixture over binned columns, a Gaussian copula (copulas), CTGAN and its TVAE,
adversarial random forests (arfpy), ForestDiffusion, trees one column after another; see `rivals.py`. Adult has its own
split (32,561 training rows); beijing (rows with a pm2.5), california_housing and default_credit are split 80/20 with
seed 0. The target is the last column. Where a rival refuses gaps, it gets medians and a level "missing", which comes
back as a gap.

Every fit runs in a process of its own and leaves OUT/TABLE-SEED-MODEL.parquet (as many rows as it was trained on) and
.json (seconds; CPU seconds, which do not count what else the machine does; peak memory of the process; or why there
is none), and once it is judged .figures.json; what is there is not run again. The figures: Shape and Trend in % of
error, two-sample scores (1 = indistinguishable), gradient boosting trained on synthetic rows and tested on real ones
(adult and default_credit: AUC; beijing: RMSE of log(1 + pm2.5); california_housing: RMSE in standard deviations of the
value), the share of rows that lie closer to training than to test rows (.5 is ideal) and the share of rows that copy a
training row. "Real rows" are the test rows in the place of synthetic ones; their downstream figure is learned from the
training rows.

    pip install "pandas<3" ctgan copulas arfpy ForestDiffusion pyarrow
    SKVAE_DATA=... python benchmarks/tables.py [--tables adult] [--models ours tvae] [--seeds 1] [--limit 3600]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from data import read
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from rivals import MODELS, load
from threadpoolctl import threadpool_limits

TARGETS = {
    "adult": "income",
    "beijing": "pm2.5",
    "california_housing": "median_house_value",
    "default_credit": "default",
}
DTYPES = {"beijing": {"pm2.5": int}, "default_credit": {"default": bool}}
CODES = ["year", "month", "day", "hour"]  # of beijing: categories written as integers
CODES += ["SEX", "EDUCATION", "MARRIAGE", "PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"]  # of default_credit


def split(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training and test rows, the target last."""
    table = read(name).dropna(subset=TARGETS[name])
    table[TARGETS[name]] = table.pop(TARGETS[name])
    if name == "adult":
        is_train = (table.pop("split") == "train").to_numpy()
    else:
        table = table.astype(DTYPES.get(name, {}))
        is_train = np.zeros(len(table), bool)
        is_train[np.random.default_rng(0).permutation(len(table))[: round(0.8 * len(table))]] = True
    return table[is_train].reset_index(drop=True), table[~is_train].reset_index(drop=True)


def discrete(table: pd.DataFrame) -> list[str]:
    """Columns that a rival is told to be categories."""
    is_number = [is_numeric_dtype(dtype) and not is_bool_dtype(dtype) for dtype in table.dtypes]
    return [name for name, is_one in zip(table, is_number, strict=True) if name in CODES or not is_one]


def fit_one(stem: Path, table: str, seed: int, model: str, threads: int, limit: int) -> None:
    """Fit, draw, write: the work of one process."""
    resource.setrlimit(resource.RLIMIT_CPU, (limit * threads, limit * threads + 10))
    train, _ = split(table)
    generator = load(model)
    np.random.seed(seed)  # noqa: NPY002 – the rivals draw from the global generators
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
        sys.modules["torch"].set_num_threads(threads)
    clocks = [(time.perf_counter(), time.process_time())]
    sample = generator(train, discrete(train), seed)
    clocks.append((time.perf_counter(), time.process_time()))
    rows = sample(len(train))
    clocks.append((time.perf_counter(), time.process_time()))
    (fit, fit_cpu), (draw, draw_cpu) = np.diff(clocks, axis=0).tolist()
    facts = {"fit s": fit, "fit CPU s": fit_cpu, "sample s": draw, "sample CPU s": draw_cpu}
    facts["MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.to_parquet(stem.with_suffix(".parquet"))
    stem.with_suffix(".json").write_text(json.dumps(facts | {"threads": threads}))


def run(stem: Path, table: str, seed: int, model: str, threads: int, limit: int) -> str:
    """Start that process and say how it went."""
    facts = stem.with_suffix(".json")
    if facts.exists():
        return "done before"
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"]
    environment = os.environ | dict.fromkeys(names, str(threads))
    command = [sys.executable, __file__, "--threads", str(threads), "--limit", str(limit)]
    command += ["--one", str(stem), table, str(seed), model]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        reason = f"not done after {limit} CPU s" if done.returncode == -signal.SIGXCPU else last
        facts.write_text(json.dumps({"failed": reason, "threads": threads}))
    return facts.read_text()


def in_units(rows: pd.DataFrame, table: str, train: pd.DataFrame) -> pd.DataFrame:
    """Rows whose target is on the scale that its RMSE is given in."""
    target = TARGETS[table]
    if table == "beijing":
        return rows.assign(**{target: np.log1p(rows[target])})
    if table == "california_housing":
        return rows.assign(**{target: rows[target] / train[target].std()})
    return rows


def downstream(table: str, train: pd.DataFrame, test: pd.DataFrame, rows: pd.DataFrame) -> float:
    """AUC or RMSE on test rows of a model that learned from ``rows``."""
    from skvae import metrics

    learned, judged = (in_units(part, table, train) for part in (rows, test))
    return metrics.downstream_score(learned, judged, TARGETS[table], random_state=0)


def judge(table: str, train: pd.DataFrame, test: pd.DataFrame, rows: pd.DataFrame, seed: int) -> dict[str, float]:
    """Every figure of one set of synthetic rows."""
    from skvae import metrics  # here, so that a fit's process and the one that starts it stay small

    return {
        "Shape %": 100 * metrics.column_shapes(train, rows).mean(),
        "Trend %": 100 * metrics.mean_trend(metrics.pair_trends(train, rows)),
        "2-sample train": metrics.two_sample_score(train, rows, random_state=seed),
        "2-sample test": metrics.two_sample_score(test, rows, random_state=seed),
        "2-sample AUC": metrics.two_sample_auc(test, rows, random_state=seed).mean(),
        "downstream": downstream(table, train, test, rows),
        "closer share": metrics.distance_to_closest_record(train, test, rows, max_rows=10_000, random_state=seed),
        "copies %": 100 * metrics.exact_copies(train, rows),
    }


def evaluate(out: Path, table: str, models: list[str], seeds: int) -> None:
    """Print what the files of one table say, seeds averaged."""
    train, test = split(table)
    judged = out / f"{table}-real.figures.json"
    if not judged.exists():
        judged.write_text(json.dumps(judge(table, train, test, test, 0)))
    real = json.loads(judged.read_text()) | {"downstream": downstream(table, train, test, train)}
    real |= dict.fromkeys(["2-sample test", "2-sample AUC", "closer share"], np.nan)  # test rows against themselves
    results = [{"model": "real rows"} | real]
    reasons = []
    for model in models:
        for seed in range(seeds):
            stem = out / f"{table}-{seed}-{model}"
            if not stem.with_suffix(".json").exists():
                continue
            facts = json.loads(stem.with_suffix(".json").read_text())
            if "failed" in facts:
                reasons.append(f"{model}, seed {seed}: {facts['failed']}")
                continue
            judged = stem.with_suffix(".figures.json")
            if not judged.exists():
                rows = pd.read_parquet(stem.with_suffix(".parquet")).astype(train.dtypes)
                judged.write_text(json.dumps(judge(table, train, test, rows, seed)))
            results.append({"model": model, **json.loads(judged.read_text()), **facts})
    means = pd.DataFrame(results).groupby("model", sort=False).mean()
    print(f"\n{table}: {len(train)} training rows, {len(test)} test rows, {train.shape[1]} columns")
    print(means.round(3).to_string(), *reasons, sep="\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("tables"))
    parser.add_argument("--tables", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--limit", type=int, default=3600, help="CPU seconds a fit may take, on each thread")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--evaluate-only", action="store_true")
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        stem, table, seed, model = options.one
        return fit_one(Path(stem), table, int(seed), model, options.threads, options.limit)
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.evaluate_only:
        for model in options.models:
            for table in options.tables:
                for seed in range(options.seeds):
                    stem = options.out / f"{table}-{seed}-{model}"
                    said = run(stem, table, seed, model, options.threads, options.limit)
                    print(f"{time.strftime('%H:%M:%S')} {stem.name}: {said}", flush=True)
    with threadpool_limits(options.threads):
        for table in options.tables:
            evaluate(options.out, table, options.models, options.seeds)


if __name__ == "__main__":
    main()
