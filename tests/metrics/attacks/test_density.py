import numpy as np
import pandas as pd
from numpy.testing import assert_allclose
from sklearn.neighbors import KernelDensity

from skvae.metrics import density_attack
from skvae.metrics.attacks.density import _log_density, _spacing


def test_density_is_that_of_kernels():
    rng = np.random.default_rng(0)
    rows, sample = rng.normal(size=(7, 3)), rng.normal(size=(40, 3))
    constant = -1.5 * np.log(2 * np.pi * 0.3**2)
    expected = KernelDensity(bandwidth=0.3).fit(sample).score_samples(rows)
    assert_allclose(_log_density(rows, sample, 0.3, reach=30.0) + constant, expected)
    far = np.full((1, 3), 99.0)
    assert_allclose(_log_density(far, sample, 0.3, reach=0.6), [-2 - np.log(40)])


def test_rows_lie_as_far_apart_as_those_that_differ():
    assert _spacing(np.array([[0.0], [0.0], [1.0], [3.0]])) == 1
    assert _spacing(np.zeros((5, 2))) == 1


def test_many_columns_do_not_underflow():
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame(rng.normal(size=(30, 400))) for _ in range(3)]
    assert density_attack(tables[0], tables[1], tables[0], tables[2]).auc == 1
