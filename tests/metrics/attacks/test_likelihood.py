import numpy as np
import pandas as pd
import pytest
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KernelDensity

from skvae.metrics import likelihood_attack
from skvae.metrics.attacks.likelihood import scoring_methods


def draw(seed):
    """Rows of which some lie far out, where every model finds them unlikely."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.standard_t(2, size=(300, 3)))


TRAIN, FRESH, REFERENCE = (draw(seed) for seed in range(3))


def by_heart(table, bandwidth=0.01):
    return KernelDensity(bandwidth=bandwidth).fit(table)


class Knows:
    """A model that scores rows by one method of any name."""

    def __init__(self, name, scores):
        setattr(self, name, lambda rows: scores.loc[rows.index])


def test_a_model_that_knows_rows_by_heart_gives_them_away():
    outcome = likelihood_attack(by_heart(TRAIN), TRAIN, FRESH)
    assert outcome.auc > 0.99
    assert outcome.needs == "model"


def test_a_model_of_few_numbers_gives_little_away():
    model = GaussianMixture(1, random_state=0).fit(TRAIN)
    lower, upper = likelihood_attack(model, TRAIN, FRESH).interval()
    assert lower < 0.5 < upper


def test_a_reference_model_knows_which_rows_are_unlikely_anyway():
    models = [by_heart(table, 2.0) for table in (TRAIN, REFERENCE)]
    raw = likelihood_attack(models[0], TRAIN, FRESH)
    relative = likelihood_attack(models[0], TRAIN, FRESH, reference_model=models[1])
    assert relative.auc > raw.auc + 0.05
    assert relative.attack == f"relative {raw.attack}"


def test_models_exchanged_are_the_opposite_attack():
    models = [by_heart(table, 2.0) for table in (TRAIN, REFERENCE)]
    auc = likelihood_attack(models[0], TRAIN, FRESH, reference_model=models[1]).auc
    assert likelihood_attack(models[1], TRAIN, FRESH, reference_model=models[0]).auc == pytest.approx(1 - auc)


def test_the_method_that_scores_is_found_or_named():
    scores = pd.Series(range(600), dtype=float)
    members, others = TRAIN.set_axis(range(300, 600)), FRESH
    for name in ("score_samples", "log_likelihood"):
        model = Knows(name, scores)
        assert scoring_methods(model) == [name]
        assert likelihood_attack(model, members, others).auc == 1
    assert likelihood_attack(Knows("energy", -scores), members, others, method="energy").auc == 0


def test_what_scores_no_rows_gets_a_sentence():
    with pytest.raises(TypeError, match=r"model that scores rows, but DataFrame has neither score_samples nor log_lik"):
        likelihood_attack(TRAIN, TRAIN, FRESH)
    model, other = Knows("score_samples", pd.Series(range(300))), Knows("log_likelihood", pd.Series(range(300)))
    with pytest.raises(TypeError, match=r"by the same method, but Knows has no score_samples. Pass method="):
        likelihood_attack(model, TRAIN, FRESH, reference_model=other)
