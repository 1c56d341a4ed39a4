import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.neighbors import KernelDensity

from skvae.metrics import density_attack
from skvae.metrics.attacks.density import _log_density
from tests.metrics.attacks.people import people

TRAIN, FRESH, REFERENCE, MORE = (people(150, seed) for seed in range(4))
SEED = {}


def test_copies_give_training_rows_away():
    outcome = density_attack(TRAIN, FRESH, TRAIN, REFERENCE, **SEED)
    assert outcome.auc > 0.97
    assert outcome.tpr > 0.5
    assert outcome.epsilon > 1
    assert outcome.needs == "rows"


def test_fresh_rows_give_nothing_away():
    outcome = density_attack(TRAIN, FRESH, MORE, REFERENCE, **SEED)
    lower, upper = outcome.interval()
    assert lower < 0.5 < upper


def test_sides_are_symmetric():
    auc = density_attack(TRAIN, FRESH, TRAIN, REFERENCE, **SEED).auc
    assert density_attack(FRESH, TRAIN, TRAIN, REFERENCE, **SEED).auc == pytest.approx(1 - auc)


def test_rows_of_the_reference_are_the_opposite_of_members():
    assert density_attack(REFERENCE, FRESH, MORE, REFERENCE, **SEED).auc < 0.1


def test_density_is_that_of_kernels():
    rng = np.random.default_rng(0)
    rows, sample = rng.normal(size=(7, 3)), rng.normal(size=(40, 3))
    constant = -1.5 * np.log(2 * np.pi * 0.3**2)
    expected = KernelDensity(bandwidth=0.3).fit(sample).score_samples(rows)
    assert_allclose(_log_density(rows, sample, 0.3) + constant, expected)


def test_columns_without_cells_are_no_obstacle():
    tables = [table.assign(gone=float("nan"), empty=None) for table in (TRAIN, FRESH, TRAIN, REFERENCE)]
    assert density_attack(*tables).auc > 0.97


def test_many_columns_do_not_underflow():
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame(rng.normal(size=(30, 400))) for _ in range(3)]
    assert density_attack(tables[0], tables[1], tables[0], tables[2]).auc == 1
