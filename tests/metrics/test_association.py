import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import contingency
from sklearn.feature_selection import f_classif

from skvae.metrics import associations


def test_each_kind_of_pair_has_its_twin(mixed):
    found = associations(mixed)
    assert_allclose(found, found.T)
    assert_allclose(np.diag(found), 1)
    numbers = mixed[["size", "weight", "age"]]
    assert_allclose(found.loc[numbers.columns, numbers.columns], numbers.corr())
    both = mixed[["kind", "color"]].dropna()
    table = contingency.crosstab(both["kind"], both["color"]).count
    assert_allclose(found.loc["kind", "color"], contingency.association(table, method="cramer"))
    f, n, levels = f_classif(mixed[["size"]], mixed["kind"])[0][0], len(mixed), mixed["kind"].nunique()
    assert_allclose(found.loc["size", "kind"] ** 2, f * (levels - 1) / (f * (levels - 1) + n - levels))


def test_constant_and_empty_columns_hang_together_with_nothing():
    table = pd.DataFrame({"x": [1.0, 2.0, 3.0], "one": 1, "same": "a", "gone": np.nan, "huge": [1e300, -1e300, 1e300]})
    found = associations(table)
    assert (found.loc["x", ["one", "same"]] == 0).all()
    assert found.loc["x", "gone"] != found.loc["x", "gone"]
    assert found.loc["x", "huge"] == pytest.approx(0, abs=1e-9)


def test_what_is_no_table_gets_a_sentence():
    with pytest.raises(TypeError, match=r"table must be a DataFrame.*pandas\.DataFrame"):
        associations(np.zeros((3, 2)))
