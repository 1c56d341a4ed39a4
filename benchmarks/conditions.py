"""Are rows drawn under a condition like the real rows that meet it, and as right as the model's own rows that do?

Two tables: of "adult" ten conditions on one column, numbers and gaps among them, and six on two columns; of
"california_housing" eight and three. Each gives 1,000 rows, by ``sample(given=...)`` and by the reader alone, as it
would be without importance weights. Beside them are the rows that meet the condition among many drawn without one:
what a condition costs is the difference. Frequencies of the levels and quarters of all other columns, those of 5 % of
the matching training rows or more, are compared in standard errors of the difference with those of training ("real")
and with those of the rows drawn without a condition ("joint"): in how many of them the error is at most 3, its root
mean square and the worst. Then the two-sample score against the real rows, the share of rows that are distinct, and
the seconds for each condition.

    SKVAE_DATA=... python benchmarks/conditions.py [--tables adult] [--rows 100000] [--seeds 2] [--joint 400000]
"""

from __future__ import annotations

import argparse
import copy
import time

import numpy as np
import pandas as pd
from data import read

from skvae import VAETransformer
from skvae.metrics import two_sample_score

CONDITIONS = {
    "adult": [
        {"income": ">50K"},
        {"sex": "Female"},
        {"education": "Masters"},
        {"marital-status": "Divorced"},
        {"occupation": "Exec-managerial"},
        {"race": "Black"},
        {"workclass": "Self-emp-inc"},
        {"native-country": "Mexico"},
        {"age": 25},
        {"hours-per-week": 60},
        {"sex": "Female", "income": ">50K"},
        {"education": "Bachelors", "sex": "Male"},
        {"race": "White", "marital-status": "Never-married"},
        {"workclass": "Private", "occupation": "Sales"},
        {"education": "HS-grad", "hours-per-week": 40},
        {"relationship": "Husband", "income": "<=50K"},
    ],
    "california_housing": [
        {"ocean_proximity": "INLAND"},
        {"ocean_proximity": "NEAR BAY"},
        {"ocean_proximity": "NEAR OCEAN"},
        {"ocean_proximity": "<1H OCEAN"},
        {"housing_median_age": 52},
        {"housing_median_age": 17},
        {"median_house_value": 500001},
        {"median_house_value": 137500},
        {"ocean_proximity": "NEAR BAY", "housing_median_age": 52},
        {"ocean_proximity": "<1H OCEAN", "median_house_value": 500001},
        {"ocean_proximity": "INLAND", "housing_median_age": 17},
    ],
}
N = 1000
WITHIN = 3.0  # standard errors
OFTEN = 0.05  # share of the matching training rows


def training_rows(name: str, n_rows: int) -> pd.DataFrame:
    """So many rows at most, without those that the table keeps for tests."""
    table = read(name)
    if "split" in table:
        table = table[table.pop("split") == "train"]
    return table.sample(min(n_rows, len(table)), random_state=0)


def that_meet(condition: dict, table: pd.DataFrame) -> pd.DataFrame:
    """Rows with the values of a condition."""
    return table[(table[list(condition)] == pd.Series(condition)).all(axis=1)]


def cells(real: pd.DataFrame, table: pd.DataFrame, name: str) -> pd.Series:
    """The known cells of a column, numbers as the quarter of the real ones that they lie in."""
    known = table[name].dropna()
    if not pd.api.types.is_numeric_dtype(known):
        return known
    return pd.Series(np.searchsorted(np.unique(real[name].quantile([0.25, 0.5, 0.75])), known), known.index)


def errors(real: pd.DataFrame, rows: pd.DataFrame, drawn: pd.DataFrame, names: list[str]) -> list[float]:
    """Differences of frequencies between some rows and those that were drawn, in standard errors."""
    result = []
    for name in names:
        often = cells(real, real, name).value_counts(normalize=True)
        theirs, ours = cells(real, rows, name), cells(real, drawn, name)
        for level in often.index[often >= OFTEN]:
            p, q = (theirs == level).mean(), (ours == level).mean()
            variance = max(p * (1 - p), 1e-6) * (1 / len(theirs) + 1 / len(ours))
            result.append((q - p) / np.sqrt(variance))
    return result


def compare(train: pd.DataFrame, conditions: list[dict], vae: VAETransformer, n_joint: int, seed: int) -> pd.DataFrame:
    """Figures of each way to draw under conditions, over all of them."""
    alone = copy.deepcopy(vae)
    alone.vae_.chain = None
    joint = vae.sample(n_joint, random_state=seed + 1)
    rows = []
    for condition in conditions:
        real, whole = that_meet(condition, train), that_meet(condition, joint)
        names = [name for name in train if name not in condition]
        few = whole[: len(whole) // 2][:N]
        for way, sample in {"sample": vae.sample, "reader alone": alone.sample, "joint": None}.items():
            start = time.perf_counter()
            drawn = few if sample is None else sample(N, given=condition, random_state=seed)
            seconds = np.nan if sample is None else time.perf_counter() - start
            assert len(that_meet(condition, drawn)) == len(drawn)
            row = {"rows": way, "real": errors(real, real, drawn, names)}
            row["joint"] = errors(real, whole[len(whole) // 2 :], drawn, names)
            row["two-sample"] = two_sample_score(real, drawn, random_state=0)
            rows.append(row | {"distinct": len(drawn.drop_duplicates()) / len(drawn), "s": seconds})
    return pd.DataFrame([summary(way, group) for way, group in pd.DataFrame(rows).groupby("rows", sort=False)])


def summary(way: str, rows: pd.DataFrame) -> dict:
    """One line of the table."""
    result = {"rows": way, "frequencies": len(np.concatenate(rows["real"].tolist()))}
    for against in ("real", "joint"):
        z = np.concatenate(rows[against].tolist())
        result |= {f"{against}: within": int((np.abs(z) <= WITHIN).sum()), f"{against}: rms": np.sqrt((z**2).mean())}
        result[f"{against}: worst"] = np.abs(z).max()
    return result | rows[["two-sample", "distinct", "s"]].mean().to_dict()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=list(CONDITIONS), choices=list(CONDITIONS))
    parser.add_argument("--rows", type=int, default=8000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--joint", type=int, default=100_000)
    arguments = parser.parse_args()
    for name in arguments.tables:
        train = training_rows(name, arguments.rows)
        for seed in range(arguments.seeds):
            vae = VAETransformer(10, random_state=seed).fit(train)
            print(f"\n{name}, {len(train)} rows, seed {seed}")
            table = compare(train, CONDITIONS[name], vae, arguments.joint, seed)
            print(table.round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
