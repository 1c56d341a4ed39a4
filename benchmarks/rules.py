"""Which rules are found, do all rows keep them, and what does that do to the rest?

First, rules that are found on every table of the SKVAE_DATA folder, with seconds, and how many of 1,000 tables without
any rule show one, or a column that copies another. Then bike_hourly, california_housing and seven tables of our own, by
8,000 training rows: how many sampled rows, rows completed under conditions (a column at a time, from real rows), and
rows with a third of their cells filled keep what is true of the table, counted without skvae; and the two-sample score
against training rows, Shape and Trend of as many rows with rules and without, from the same fit. Without a table after
``--tables`` it is the first part alone.

    SKVAE_DATA=... python benchmarks/rules.py [--sampled 1000000] [--conditioned 10000] [--imputed 10000] [--seeds 1]
        [--tables stays bike_hourly] [--rows 8000] [--max-iter 2] [--skip-search]
"""

from __future__ import annotations

import argparse
import copy
import os
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from data import read

from skvae import VAETransformer
from skvae.metrics import column_shapes, mean_trend, pair_trends, two_sample_score
from skvae.tables import Rulebook, Table

sys.path.append(str(Path(__file__).parents[1]))
from tests.tables.rules.ruled import TABLES, with_gaps
from tests.tables.rules.unruled import unruled

N_UNRULED = 1000  # tables


def bike_hourly() -> pd.DataFrame:
    """Hours of a bicycle rental, with the date as one."""
    table = read("bike_hourly")
    return table.assign(dteday=pd.to_datetime(table["dteday"]))


def table_of(name: str, n_rows: int, seed: int) -> pd.DataFrame:
    """Twice as many rows as train, or all that there are."""
    if name == "bike_hourly":
        return bike_hourly()
    return TABLES[name](2 * n_rows, seed) if name in TABLES else read(name)


def truths(name: str, real: pd.DataFrame, rows: pd.DataFrame) -> dict[str, pd.Series]:
    """What should be true of each row, computed by pandas alone."""
    if name == "bike_hourly":
        by_day = real.drop_duplicates("dteday").set_index("dteday")[["season", "mnth", "weekday", "workingday"]]
        own = by_day.reindex(rows["dteday"]).reset_index(drop=True)
        same = {f"{column} of the date": rows[column].reset_index(drop=True) == own[column] for column in own}
        return same | {"cnt = casual + registered": rows["cnt"] == rows["casual"] + rows["registered"]}
    if name == "stays":
        days = (rows["end"] - rows["start"]).dt.days
        quarter = "Q" + rows["start"].dt.quarter.astype(str)
        return {
            "start <= end <= paid": (rows["start"] <= rows["end"]) & (rows["end"] <= rows["paid"]),
            "length of stay": rows["length of stay"] == days,
            "quarter of the start": rows["quarter"] == quarter,
        }
    if name == "orders":
        return {"total = net + tax": (rows["total"] - rows["net"] - rows["tax"]).abs() < 0.005}
    if name == "budgets":
        return {"shares sum to 1": (rows[["rent", "food", "fun", "saved"]].sum(axis=1) - 1).abs() < 1e-9}
    if name == "weather":
        return {
            "min <= mean <= max": (rows["min"] <= rows["mean"]) & (rows["mean"] <= rows["max"]),
            "range": (rows["max"] - rows["min"] - rows["range"]).abs() < 0.05,
        }
    if name == "patients":
        born, bmi = rows["born"].dt, rows["bmi"].to_numpy(float) + 1e-9
        is_later = born.month * 100 + born.day > 517
        groups, classes = np.array(["young", "adult", "old"]), np.array(["under", "normal", "over", "obese"])
        return {
            "age of the day of birth": rows["age"] == 2024 - born.year - is_later,
            "group of the age": rows["age group"] == groups[np.searchsorted([30, 65], rows["age"], side="right")],
            "body mass index": (rows["bmi"] - rows["weight"] / rows["height"] ** 2).abs() < 0.0501,
            "class of it": rows["weight_class"] == classes[np.searchsorted([18.5, 25, 30], bmi, side="right")],
        }
    if name == "jumps":
        attempts = rows[["first", "second", "third"]]
        return {
            "best of three": rows["best"] == attempts.max(axis=1),
            "worst of three": rows["worst"] == attempts.min(axis=1),
            "later of two": rows["closed"] == rows[["sent", "seen"]].max(axis=1),
        }
    if name == "california_housing":
        return {"bedrooms are rooms": ~(rows["total_bedrooms"] > rows["total_rooms"])}
    country = real.drop_duplicates("city").set_index("city")["country"]
    currency = np.where(rows["country"] == "PL", "PLN", "EUR")
    return {
        "country of the city": rows["country"].to_numpy() == country.reindex(rows["city"]).to_numpy(),
        "currency of the country": rows["currency"] == currency,
    }


def megabytes(which: str) -> float:
    """What Linux says of this process: VmRSS, the memory it holds, or VmHWM, the peak of that."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(which)).split()[1]) / 1000


def kept(name: str, real: pd.DataFrame, rows: pd.DataFrame) -> int:
    """How many rows are all that they should be."""
    return int(
        np.logical_and.reduce([np.asarray(true, dtype=bool) for true in truths(name, real, rows).values()]).sum()
    )


def search() -> None:
    """Rules that are found on real tables."""
    folder = Path(os.environ["SKVAE_DATA"])
    for path in sorted(folder.glob("*/*.csv.gz")):
        table = bike_hourly() if path.parent.name == "bike_hourly" else pd.read_csv(path)
        identifiers = Table.fit(table).identifiers
        start = time.process_time()
        book = Rulebook.found(table, identifiers)
        seconds = time.process_time() - start
        print(
            f"{path.parent.name} {table.shape[0]} x {table.shape[1]}: {seconds:.2f} s; {'; '.join(book.texts) or '-'}"
        )


def search_for_none() -> None:
    """Rules and copies that are found in tables without any."""
    n_ruled, n_copying, start = 0, 0, time.process_time()
    for seed in range(N_UNRULED):
        unruled_table = unruled(seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of identifiers
            fitted = Table.fit(unruled_table)
        n_ruled += bool(Rulebook.found(unruled_table, fitted.identifiers).rules)
        n_copying += bool(fitted.copies)
    print(
        f"tables without any rule: {n_ruled} of {N_UNRULED} show one, {n_copying} a column that copies another; "
        f"{time.process_time() - start:.0f} s"
    )


def measure(name: str, n_train: int, n_rows: tuple[int, int, int], seed: int, max_iter: int | str) -> None:
    """Rows that keep what is true of a table, and how like the real ones they are."""
    whole = table_of(name, n_train, seed)
    rows = whole.sample(frac=1, random_state=seed).reset_index(drop=True)
    train, other = rows[:n_train], rows[n_train:].reset_index(drop=True)
    start = time.process_time()
    vae = VAETransformer(10, max_iter=max_iter, random_state=seed).fit(train)
    fit_seconds = time.process_time() - start
    print(f"\n{name}, seed {seed}: {'; '.join(vae.constraints_)}")
    plain = copy.copy(vae)
    plain._rules = None
    for label, model in (("rules", vae), ("without", plain)):
        start = time.process_time()
        drawn = model.sample(len(train), random_state=seed)
        seconds = time.process_time() - start
        score = two_sample_score(train, drawn, random_state=0)
        shape, trend = 100 * column_shapes(train, drawn).mean(), 100 * mean_trend(pair_trends(train, drawn))
        print(
            f"  {label}: kept {kept(name, whole, drawn) / len(drawn):.4f}, two-sample {score:.3f}, "
            f"Shape {shape:.2f} %, Trend {trend:.2f} %, fit {fit_seconds:.0f} s, sample {seconds:.2f} s"
        )
    n_sampled, n_conditioned, n_imputed = n_rows
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    before, start = megabytes("VmRSS"), time.process_time()
    drawn = vae.sample(n_sampled, random_state=seed)
    seconds, peak = time.process_time() - start, megabytes("VmHWM")
    print(
        f"  sampled: {kept(name, whole, drawn)} of {n_sampled}, {seconds:.0f} s, peak {peak:.0f} MB, "
        f"{peak - before:.0f} MB more than before",
        flush=True,
    )
    conditions = train.sample(n_conditioned, replace=True, random_state=seed).reset_index(drop=True)
    n_each, start, n_kept, n_drawn = n_conditioned // train.shape[1], time.process_time(), 0, 0
    for j, column in enumerate(train):
        given = conditions[[column]][j * n_each : (j + 1) * n_each]
        drawn = vae.sample(given=given, random_state=seed)
        known = given[column].notna()
        assert (drawn[column][known] == given[column][known]).all(), "a condition holds"
        n_drawn += len(drawn)
        n_kept += kept(name, whole, drawn)
    print(f"  conditioned: {n_kept} of {n_drawn}, {time.process_time() - start:.0f} s")
    holes = with_gaps(other.sample(n_imputed, replace=True, random_state=seed).reset_index(drop=True), 1 / 3)
    for label, n_draws in (("means", None), ("draws", 1)):
        start = time.process_time()
        filled = vae.impute(holes, n_draws=n_draws, random_state=seed)
        filled = filled if n_draws is None else filled[0]
        print(f"  imputed, {label}: {kept(name, whole, filled)} of {n_imputed}, {time.process_time() - start:.0f} s")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sampled", type=int, default=1_000_000)
    parser.add_argument("--conditioned", type=int, default=10_000)
    parser.add_argument("--imputed", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--tables", nargs="*", default=["bike_hourly", "california_housing", *TABLES])
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--max-iter", type=lambda text: text if text == "auto" else int(text), default="auto")
    parser.add_argument("--skip-search", action="store_true")
    options = parser.parse_args()
    if not options.skip_search:
        search()
        search_for_none()
    for name in options.tables:
        for seed in range(options.seeds):
            n_rows = (options.sampled, options.conditioned, options.imputed)
            measure(name, options.rows, n_rows, seed, options.max_iter)


if __name__ == "__main__":
    main()
