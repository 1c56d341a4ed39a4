import dataclasses
import math

import pytest

from skvae.training import LinearBeta, Objective, Recipe
from skvae.training import recipe as rules

FEW, MANY = rules.SMALL - 1, rules.SMALL
ROWS = [2, 30, 150, FEW, MANY, 5000, 20_000, 1_000_000]


@pytest.mark.parametrize("n_rows", ROWS)
def test_batches_are_powers_of_two_near_a_sixteenth(n_rows):
    size = rules.auto_batch_size(n_rows)
    assert 32 <= size <= 512
    assert math.log2(size).is_integer()
    assert size in (32, 512) or 2**-0.5 <= size / (n_rows / 16) <= 2**0.5
    assert rules.auto_batch_size(n_rows, is_autoregressive=True) == min(size, 256)


@pytest.mark.parametrize("n_rows", ROWS)
def test_the_budget_is_a_hundred_passes_within_bounds_of_steps(n_rows):
    batch_size = min(rules.auto_batch_size(n_rows), n_rows)
    max_iter, steps_a_pass = rules.auto_max_iter(n_rows, batch_size), n_rows // batch_size
    n_steps = max_iter * steps_a_pass
    wanted = min(max(100 * n_rows / batch_size, 1500), 20_000)
    assert abs(n_steps - wanted) <= steps_a_pass / 2 + 1e-9
    assert max_iter >= 1


def test_width_grows_with_the_table():
    assert rules.auto_width(FEW, 10) < rules.auto_width(MANY, 10) < rules.auto_width(20_000, 200)
    assert rules.auto_width(20_000, 199) == rules.auto_width(19_999, 200) == rules.auto_width(MANY, 10)


def test_few_rows_learn_slowly_and_decay_strongly():
    assert rules.auto_learning_rate(FEW, False) < rules.auto_learning_rate(MANY, False)
    assert rules.auto_weight_decay(FEW, False) > rules.auto_weight_decay(MANY, False)
    assert rules.auto_learning_rate(MANY, True) > rules.auto_learning_rate(MANY, False)
    assert rules.auto_weight_decay(FEW, True) == 0.0


@pytest.mark.parametrize(("max_iter", "every"), [(1, 1), (39, 1), (40, 1), (80, 2), (1000, 25)])
def test_a_fit_is_judged_some_forty_times(max_iter, every):
    assert Recipe((8,), 1e-3, 0.0, 32, max_iter).evaluate_every == every


def test_wide_products_use_all_threads():
    recipe = Recipe((128, 128), 1e-3, 0.0, 32, 10)
    assert recipe.n_threads(10) == 1
    assert recipe.n_threads(512) is None
    assert Recipe((), 1e-3, 0.0, 32, 10).n_threads(10) == 1


@pytest.mark.parametrize("value", [Objective(), Recipe((8,), 1e-3, 0.0, 32, 10)])
def test_recipes_are_values(value):
    assert value == dataclasses.replace(value)
    assert hash(value) == hash(dataclasses.replace(value))
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.beta = 2.0


def test_the_objective_is_the_elbo_unless_said_otherwise():
    objective = Objective()
    assert (objective.beta, objective.free_bits, objective.n_draws, objective.input_dropout) == (
        LinearBeta(1.0, end=0.0),
        0.0,
        1,
        0.0,
    )
