import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

from skvae.metrics import associations


def test_many_rows_agree_with_scipy():
    rng = np.random.default_rng(0)
    a = rng.integers(3, size=20_000)
    b = np.where(rng.random(20_000) < 0.4, a, rng.integers(4, size=20_000))
    table = pd.DataFrame({"a": a.astype(str), "b": b.astype(str)})
    assert associations(table).loc["a", "b"] == pytest.approx(association(pd.crosstab(a, b).to_numpy()), abs=2e-3)


def test_chance_is_taken_out():
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.integers(30, size=(500, 4)).astype(str), columns=list("abcd"))
    plain = association(pd.crosstab(table["a"], table["b"]).to_numpy())
    corrected = associations(table).to_numpy()
    assert plain > 0.2
    assert np.nanmax(corrected) < 0.1


def test_bent_dependences_and_gaps_count():
    x = np.random.default_rng(2).normal(size=2000)
    table = pd.DataFrame({"x": x, "bent": x**2, "gap": np.where(x > 1, np.nan, 0.5), "constant": 1.0})
    strength = associations(table)
    assert strength.loc["x", "bent"] > 0.5
    assert strength.loc["x", "gap"] > 0.9
    assert (strength["constant"].drop("constant") == 0).all()
    assert np.isnan(np.diag(strength)).all()


def test_deciles_are_those_of_the_reference():
    x = np.random.default_rng(3).normal(size=1000)
    real = pd.DataFrame({"x": x, "y": x})
    far = real + 100  # all above the last decile: one level, which says nothing
    assert associations(far).loc["x", "y"] == pytest.approx(1, abs=0.01)
    assert associations(far, reference=real).loc["x", "y"] == 0
