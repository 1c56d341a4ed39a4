import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.rules.draft import Draft, names_of
from skvae.tables.rules.quantities import Quantity
from tests.tables.rules.ruled import stays


def test_changed_cells_are_seen_and_the_rows_stay_as_they_are():
    X = stays(20)
    before = X.copy()
    draft = Draft(X, {name: Quantity.of(X[name]) for name in ("start", "end")})
    where = np.arange(20) < 3
    draft.put("end", where, draft.numbers("start")[where])
    draft.put_labels("region", where, pd.Index(["west"] * 3))
    assert_array_equal(draft.numbers("end")[:3], draft.numbers("start")[:3])
    rows = draft.frame()
    assert (rows["end"][:3] == X["start"][:3]).all()
    assert rows["region"][:4].tolist() == ["west"] * 3 + [X["region"][3]]
    assert rows.dtypes.equals(X.dtypes)
    pd.testing.assert_frame_equal(X, before)


def test_gaps_are_not_free():
    X = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": ["x", "y", None]})
    draft = Draft(X, {"a": Quantity.of(X["a"])}, np.array([[True, True]] * 2 + [[False, True]]))
    assert_array_equal(draft.free("a"), [True, False, False])
    assert_array_equal(draft.free("b"), [True, True, False])
    assert_array_equal(draft.observed(["a", "b"]), [True, False, False])


def test_labels_of_times_are_nanoseconds_and_can_be_put_back():
    X = stays(10)
    draft = Draft(X, {"start": Quantity.of(X["start"])})
    labels = draft.labels("start")
    assert labels.dtype == np.int64
    draft.put_labels("start", np.ones(10, dtype=bool), labels[::-1])
    assert (draft.frame()["start"].to_numpy() == X["start"].to_numpy()[::-1]).all()


def test_names_are_text():
    assert names_of(pd.DataFrame({1: [0], "a": [0]})) == ["1", "a"]


def test_other_columns_are_no_numbers():
    draft = Draft(stays(3), {})
    with pytest.raises(ValueError, match="write … = f"):
        draft.value("region")


@pytest.mark.parametrize("values", [[np.nan, np.nan], [1.0, np.inf], [1.0, 1e19]])
def test_columns_without_numbers_that_can_be_added_are_said_to_be_so(values):
    with pytest.raises(ValueError, match=r"'a' of float64 has no value, or one that is infinite, beyond 2\*\*62 or"):
        Draft(pd.DataFrame({"a": values}), {}).value("a")
