import datetime
import uuid

import numpy as np
import pandas as pd
import pytest

from skvae.identifiers import looks_like_identifier
from skvae.metrics.identifiers import find_identifiers, has_copied_identifier, judge_identifiers

RNG = np.random.default_rng(0)
N = 400
NAMES = [f"person{i}@mail.org" for i in range(N)]


@pytest.mark.parametrize(
    "values",
    [
        NAMES,
        pd.Series(NAMES, dtype="string"),
        [*NAMES[:-8], *NAMES[:8]],  # nearly all differ
        [*NAMES[:300], *[None] * 100],
        [str(uuid.UUID(int=i)) for i in RNG.integers(2**62, size=N).tolist()],
        [uuid.UUID(int=i) for i in range(N)],
        RNG.permutation(N) + 1000,
        pd.Series(RNG.permutation(N), dtype="Int64"),
        RNG.permutation(N)[:300],  # a part of a table has gaps between its keys
    ],
    ids=str,
)
def test_columns_that_name_their_rows(values):
    assert looks_like_identifier(pd.Series(values))


@pytest.mark.parametrize(
    "values",
    [
        NAMES[:10],  # too few to tell
        [None] * N,
        ["ann", "bob"] * 200,
        NAMES[:200] * 2,
        RNG.normal(size=N),
        np.arange(float(N)),  # decimals, whatever they hold
        RNG.integers(100, size=N),
        RNG.integers(10_000_000, size=N) ** 2,  # all differ, by chance
        pd.date_range("2020-01-01", periods=N),
        [datetime.date(2020, 1, 1) + datetime.timedelta(i) for i in range(N)],
        [True, False] * 200,
        [[i] for i in range(N)],
    ],
    ids=str,
)
def test_columns_that_do_not(values):
    assert not looks_like_identifier(pd.Series(values))


def test_a_part_of_the_rows_may_not_tell_but_all_do():
    table = pd.DataFrame({"x": RNG.normal(size=N), "name": NAMES, "id": range(N)})
    assert find_identifiers(table[:10], table[10:]) == ["name", "id"]


def test_real_names_that_come_back_are_counted():
    train = pd.DataFrame({"name": NAMES[:200], "id": range(200)})
    test = pd.DataFrame({"name": NAMES[199:], "id": range(199, N)})
    rows = pd.DataFrame({"name": [*NAMES[:50], *["new"] * 49, None], "id": [7.0] + [900.0 + i for i in range(99)]})
    found = judge_identifiers(train, rows, ["name", "id"], test)
    assert found.loc["name"].tolist() == pytest.approx([0.5, 1 / 201, 48 / 99, 0])
    assert found.loc["id"].tolist() == pytest.approx([0.01, 1 / 201, 0, 0])
    assert has_copied_identifier(train, rows, ["name", "id"]).sum() == 50
    assert not has_copied_identifier(train, rows, []).any()
    assert judge_identifiers(train, rows, ["name"])["copied by real rows"].isna().all()
