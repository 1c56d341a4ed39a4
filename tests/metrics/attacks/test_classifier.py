import pytest

from skvae.metrics import classifier_attack
from tests.metrics.attacks.people import people

TRAIN, FRESH, REFERENCE, MORE = (people(150, seed) for seed in range(4))
SEED = {"random_state": 0}


def test_copies_give_training_rows_away():
    outcome = classifier_attack(TRAIN, FRESH, TRAIN, REFERENCE, **SEED)
    assert outcome.auc > 0.97
    assert outcome.tpr > 0.4
    assert outcome.epsilon > 1
    assert outcome.needs == "rows"


def test_fresh_rows_give_nothing_away():
    outcome = classifier_attack(TRAIN, FRESH, MORE, REFERENCE, **SEED)
    lower, upper = outcome.interval()
    assert lower < 0.5 < upper


def test_sides_are_symmetric():
    auc = classifier_attack(TRAIN, FRESH, TRAIN, REFERENCE, **SEED).auc
    assert classifier_attack(FRESH, TRAIN, TRAIN, REFERENCE, **SEED).auc == pytest.approx(1 - auc)


def test_rows_of_the_reference_are_the_opposite_of_members():
    assert classifier_attack(REFERENCE, FRESH, MORE, REFERENCE, **SEED).auc < 0.1


def test_columns_without_cells_are_no_obstacle():
    tables = [table.assign(gone=float("nan"), empty=None) for table in (TRAIN, FRESH, TRAIN, REFERENCE)]
    assert classifier_attack(*tables, random_state=0).auc > 0.97


def test_the_same_seed_gives_the_same_forest():
    assert classifier_attack(TRAIN, FRESH, MORE, REFERENCE, random_state=1) == classifier_attack(
        TRAIN, FRESH, MORE, REFERENCE, random_state=1
    )
