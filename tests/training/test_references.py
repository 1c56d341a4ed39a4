"""Which columns are told their distance from which."""

import numpy as np
import pandas as pd
import pytest
import torch

from skvae.networks import MLP, Chain
from skvae.tables import Table
from skvae.training import choose_references


def references(df, seed=0):
    """The chosen references of each column, by name."""
    table, generator = Table.fit(df).of_columns, torch.Generator().manual_seed(0)

    def trunk(n_in, n_out):
        return MLP(n_in, n_out, (), "silu", 0.0, generator)

    chain = Chain(table.joint(), trunk, generator, table.rulers())
    choose_references(chain.relative, table.encode(df).float(), seed)
    names = [table.columns[j].name for j in chain.relative.rulers.columns]
    chosen = {
        name: [names[int(r)] for r in row if r >= 0]
        for name, row in zip(names, chain.relative.reference.tolist(), strict=True)
    }
    return {name: found for name, found in chosen.items() if found}


def months(n_rows=1000):
    """A balance that moves little from month to month, what was paid of it, and a number of its own."""
    rng = np.random.default_rng(0)
    first = rng.lognormal(8, 1, n_rows).round()
    second = (first + rng.normal(0, 50, n_rows)).round()
    paid = np.where(rng.random(n_rows) < 0.3, second, rng.lognormal(8, 1, n_rows).round())
    other = rng.lognormal(8, 1, n_rows).round()
    return pd.DataFrame({"first": first, "other": other, "second": second, "paid": paid})


def test_the_columns_that_are_near_one_another_are_found():
    found = references(months())
    assert found["second"] == ["first"]
    assert found["paid"][0] == "second"
    assert "other" not in found


def test_references_are_earlier_columns():
    df = months()
    assert set(references(df[["paid", "second", "first"]])) == {"second", "first"}


@pytest.mark.parametrize("seed", range(10))
def test_independent_columns_have_none(seed):
    rng = np.random.default_rng(seed)
    n_rows = int(rng.choice([50, 300, 2000]))
    df = pd.DataFrame(
        {
            "normal": rng.normal(size=n_rows),
            "same": rng.normal(size=n_rows),
            "whole": rng.integers(0, 50, n_rows) - 25,
            "mostly zero": rng.normal(size=n_rows) * (rng.random(n_rows) < 0.2),
            "log-normal": rng.lognormal(size=n_rows).round(1),
        }
    )
    assert references(df, seed) == {}


def test_dates_are_compared_with_dates_alone():
    rng = np.random.default_rng(0)
    begin = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, 500), unit="D")
    df = pd.DataFrame(
        {
            "begin": begin,
            "days": rng.integers(1, 9, 500).astype(float),
            "end": begin + pd.to_timedelta(rng.integers(1, 9, 500), unit="D"),
            "price": rng.random(500),
        }
    )
    assert references(df) == {"end": ["begin"]}


def test_gaps_tell_nothing_of_a_distance():
    df = months()
    df.loc[::2, "first"] = np.nan
    assert references(df)["second"] == ["first"]
    df["first"] = np.nan
    df.loc[:1, "first"] = 1.0
    assert "second" not in references(df)
