import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skvae.tables import RowSample


@pytest.mark.parametrize("container", ["array", "frame"])
def test_rows_are_those_at_their_positions(container, mixed):
    X = mixed.reset_index(drop=True) if container == "frame" else mixed[["size", "age"]].to_numpy()
    sample = RowSample(10, seed=0)
    for first in range(0, 60, 7):
        sample.add(X[first : first + 7])
    positions, rows = sample.rows()
    assert len(rows) == 10
    assert (np.diff(positions) > 0).all()
    if container == "frame":
        assert rows.reset_index(drop=True).equals(X.iloc[positions].reset_index(drop=True))
    else:
        assert_array_equal(rows, X[positions])


def test_every_row_is_as_likely_as_any_other():
    counts = np.zeros(100)
    for seed in range(400):
        sample = RowSample(20, seed)
        for _ in range(10):
            sample.add(np.zeros((10, 1)))
        counts[sample.rows()[0]] += 1
    assert counts.sum() == 400 * 20
    assert np.abs(counts - 80).max() < 4.5 * np.sqrt(400 * 0.2 * 0.8)


def test_a_small_stream_is_kept_whole():
    sample = RowSample(1000, seed=0)
    for first in range(0, 60, 20):
        sample.add(np.arange(first, first + 20)[:, None])
    assert_array_equal(sample.rows()[1][:, 0], np.arange(60))
