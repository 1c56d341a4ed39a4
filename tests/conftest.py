"""Data and settings that the tests share."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a worker has one core: more threads would only wait

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer
from skvae.likelihoods import Block, Columns, Joint
from skvae.metrics.detection import BOOSTING
from skvae.training import interrupts


@pytest.fixture(autouse=True)
def no_earlier_interrupt():
    """The Ctrl-C of one test is not the first of two in the next."""
    interrupts.forget()


TINY = {"n_components": 2, "hidden_layer_sizes": (8,), "max_iter": 3, "device": "cpu", "random_state": 0}


@pytest.fixture
def tiny():
    """Settings of an estimator that fits in a fraction of a second."""
    return dict(TINY)


@pytest.fixture(scope="session")
def iris():
    """Real numbers of one size: (150, 4), zero mean, unit variance."""
    X = StandardScaler().fit_transform(load_iris().data)
    X.setflags(write=False)
    return X


def make_mixed(n_rows=60, seed=0):
    """A table with a column of every kind; ``size`` and ``kind`` depend on each other; some cells are missing."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n_rows)
    kind = np.where(size + 0.3 * rng.normal(size=n_rows) > 0, "large", "small")
    color = np.array(["red", "green", "blue"], dtype=object)[rng.integers(3, size=n_rows)]
    color[::7] = None
    weight = 70 + 10 * rng.normal(size=n_rows)
    weight[::9] = np.nan
    grades = ["low", "mid", "high"]
    frame = pd.DataFrame(
        {
            "size": size,
            "weight": weight,
            "short": size.astype(np.float32) * 2,
            "age": rng.integers(18, 90, size=n_rows),
            "small_int": rng.integers(-3, 4, size=n_rows).astype(np.int8),
            "flag": rng.random(n_rows) < 0.3,
            "kind": kind,
            "color": color,
            "city": pd.Categorical.from_codes(rng.integers(2, size=n_rows), ["Oslo", "Rome", "Unseen"]),
            "grade": pd.Categorical(np.array(grades)[rng.integers(3, size=n_rows)], grades, ordered=True),
            "visits": pd.array(rng.poisson(3, size=n_rows), dtype="Int64"),
            "rate": pd.array(rng.random(n_rows), dtype="Float64"),
            "member": pd.array(rng.random(n_rows) < 0.5, dtype="boolean"),
            "word": pd.array(np.array(["yes", "no"])[rng.integers(2, size=n_rows)], dtype="string"),
        },
        index=pd.RangeIndex(100, 100 + n_rows, name="row"),
    )
    frame["color"] = frame["color"].astype(object)
    for first, name in enumerate(["visits", "rate", "member", "word", "city"]):
        frame.iloc[first::11, frame.columns.get_loc(name)] = pd.NA if name != "city" else np.nan
    return frame


@pytest.fixture
def small_classifiers(monkeypatch):
    """Reports by fewer trees, which see what is as good or as bad as most tables of tests."""
    monkeypatch.setattr("skvae.metrics.attacks.classifier.N_TREES", 50)
    monkeypatch.setitem(BOOSTING, "max_iter", 30)


@pytest.fixture
def mixed():
    """A DataFrame of 60 rows with columns of every kind, gaps in most kinds, and an index of its own."""
    return make_mixed()


@pytest.fixture(scope="session")
def model_of_mixed():
    """The default's model of ``mixed``, with ``tiny``, for tests that leave it as it is."""
    return VAETransformer(**TINY).fit(make_mixed())


@pytest.fixture(scope="session")
def large_mixed():
    """The same kinds of columns, 1,500 rows."""
    return make_mixed(1500)


@pytest.fixture(scope="session")
def joint_of():
    """The likelihood of a row, from (family, its columns, their numbers of levels) for each block."""

    def joint_of(parts, indicators=None):
        blocks = []
        for family, index, n_levels in parts:
            ones = torch.ones(len(index), dtype=torch.float64)
            edges = torch.cat([torch.arange(n + 1.0).unfold(0, 2, 1) if n else torch.empty(0, 2) for n in n_levels])
            shares = torch.cat([torch.full((n,), 1 / max(n, 1)) for n in n_levels])
            columns = Columns(ones, torch.tensor(n_levels), -5 * ones, 5 * ones, edges, edges.mean(dim=1), shares)
            blocks.append(Block(family, index, columns))
        return Joint(blocks, indicators)

    return joint_of


def make_named_rows(n_rows=120, seed=0):
    """A table with three identifiers, of which one has gaps, and two columns that depend on each other."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n_rows)
    return pd.DataFrame(
        {
            "id": np.arange(1, n_rows + 1),
            "age": age,
            "email": [f"{'anna' if i % 2 else 'bob'}.{i}@{'mail.org' if i % 3 else 'post.net'}" for i in range(n_rows)],
            "plan": np.where(age + rng.normal(0, 9, n_rows) > 45, "large", "small"),
            "phone": [None if i % 5 == 0 else f"+49 170 {rng.integers(10**6, 10**7)}" for i in range(n_rows)],
        }
    )


@pytest.fixture(scope="session")
def named_rows():
    return make_named_rows()
