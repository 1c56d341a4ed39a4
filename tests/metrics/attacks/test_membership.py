"""What holds of every attack that compares synthetic rows with real ones."""

from functools import partial

import pytest

from skvae.metrics import classifier_attack, density_attack
from tests.metrics.attacks.people import people

TRAIN, FRESH, REFERENCE, MORE = (people(150, seed) for seed in range(4))
ATTACKS = [
    pytest.param(density_attack, id="density"),
    pytest.param(partial(classifier_attack, random_state=0), id="classifier"),
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_copies_give_training_rows_away(attack):
    outcome = attack(TRAIN, FRESH, TRAIN, REFERENCE)
    assert outcome.auc > 0.97
    assert outcome.tpr > 0.4
    assert outcome.epsilon > 1
    assert outcome.needs == "rows"


@pytest.mark.parametrize("attack", ATTACKS)
def test_fresh_rows_give_nothing_away(attack):
    outcome = attack(TRAIN, FRESH, MORE, REFERENCE)
    lower, upper = outcome.interval()
    assert lower < 0.5 < upper


@pytest.mark.parametrize("attack", ATTACKS)
def test_sides_are_symmetric(attack):
    auc = attack(TRAIN, FRESH, TRAIN, REFERENCE).auc
    assert attack(FRESH, TRAIN, TRAIN, REFERENCE).auc == pytest.approx(1 - auc)


@pytest.mark.parametrize("attack", ATTACKS)
def test_rows_of_the_reference_are_the_opposite_of_members(attack):
    assert attack(REFERENCE, FRESH, MORE, REFERENCE).auc < 0.1


@pytest.mark.parametrize("attack", ATTACKS)
def test_columns_without_cells_are_no_obstacle(attack):
    tables = [table.assign(gone=float("nan"), empty=None) for table in (TRAIN, FRESH, TRAIN, REFERENCE)]
    assert attack(*tables).auc > 0.97
