import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from skvae.metrics.gower import GAP, closest, neighbors, on_gowers_scale

SIZES = pytest.mark.parametrize(("n_rows", "n_reference"), [(1, 1), (33, 4097), (70, 5000)])


def draw(n_rows, n_reference):
    rng = np.random.default_rng(0)
    return [rng.random((n, 3)).astype(np.float32) for n in (n_rows, n_reference)]


@SIZES
def test_blocks_cover_all_rows(n_rows, n_reference):
    rows, reference = draw(n_rows, n_reference)
    distances = cdist(rows, reference, "cityblock")
    found, which = closest(rows, reference)
    assert_allclose(found, distances.min(axis=1), rtol=1e-4)
    assert_allclose(distances[np.arange(n_rows), which], found, rtol=1e-4)


@SIZES
def test_neighbors_are_the_closest_rows(n_rows, n_reference):
    rows, reference = draw(n_rows, n_reference)
    distances, k = cdist(rows, reference, "cityblock"), min(5, n_reference)
    found = np.take_along_axis(distances, neighbors(rows, reference, k), axis=1)
    assert_allclose(np.sort(found, axis=1), np.sort(distances, axis=1)[:, :k], rtol=1e-4)


def test_scale_is_the_range_of_the_real_rows():
    real, other = np.array([[2.0, 0.0, 5.0], [4.0, 1.0, 5.0]]), np.array([[3.0, np.nan, 6.0], [99.0, 1.0, 5.0]])
    first, second, third = on_gowers_scale([real, real, other], np.array([True, False, True]))
    assert_array_equal(first, second)
    assert_allclose(first, [[0, 0, 0], [1, 1, 0]])
    assert_allclose(third, [[0.5, GAP, 1], [2, 1, 0]])
