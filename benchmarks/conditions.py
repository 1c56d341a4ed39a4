"""Do rows drawn under a condition have the conditional frequencies of the training table?

The census table "adult": ten conditions on one column, numbers and gaps among them, and six on two columns. Each gives
1,000 rows, whose frequencies of every other category held by 5 % of the matching training rows or more are compared
with theirs, in standard errors of the difference.

    SKVAE_DATA=... python benchmarks/conditions.py [--seeds 2]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from data import read

from skvae import VAETransformer

ONE = [
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
]
TWO = [
    {"sex": "Female", "income": ">50K"},
    {"education": "Bachelors", "sex": "Male"},
    {"race": "White", "marital-status": "Never-married"},
    {"workclass": "Private", "occupation": "Sales"},
    {"education": "HS-grad", "hours-per-week": 40},
    {"relationship": "Husband", "income": "<=50K"},
]
N = 1000


def errors(real: pd.DataFrame, drawn: pd.DataFrame, columns: list[str]) -> pd.Series:
    """Differences of frequencies in standard errors."""
    result = {}
    for name in columns:
        expected = real[name].value_counts(normalize=True)
        for level, p in expected[expected >= 0.05].items():
            error = np.sqrt(p * (1 - p) * (1 / len(real) + 1 / len(drawn)))
            result[f"{name}={level}"] = ((drawn[name] == level).sum() / drawn[name].notna().sum() - p) / max(
                error, 1e-9
            )
    return pd.Series(result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    table = read("adult")
    train = table[table.pop("split") == "train"]
    categories = [name for name in train if not pd.api.types.is_numeric_dtype(train[name])]
    for seed in range(parser.parse_args().seeds):
        vae = VAETransformer(10, random_state=seed).fit(train)
        rows = []
        for condition in ONE + TWO:
            real = train.loc[(train[list(condition)] == pd.Series(condition)).all(axis=1)]
            start = time.perf_counter()
            drawn = vae.sample(N, given=condition, random_state=seed)
            seconds = time.perf_counter() - start
            assert (drawn[list(condition)] == pd.Series(condition)).all(axis=None)
            z = errors(real, drawn, [name for name in categories if name not in condition])
            worst = z.abs().idxmax()
            row = {"condition": ", ".join(f"{k}={v}" for k, v in condition.items()), "real rows": len(real)}
            row |= {"frequencies": len(z), "within 3": int((z.abs() <= 3).sum()), "worst": z[worst], "which": worst}
            rows.append(row | {"distinct": len(drawn.drop_duplicates()), "s": seconds})
        print(f"\nseed {seed}")
        print(pd.DataFrame(rows).round(2).to_string(index=False), flush=True)


if __name__ == "__main__":
    main()
