import dataclasses

import pytest

from skvae.training import Objective, Recipe


@pytest.mark.parametrize(("max_iter", "every"), [(1, 1), (39, 1), (40, 1), (80, 2), (1000, 25)])
def test_a_fit_is_judged_some_forty_times(max_iter, every):
    assert Recipe(1e-3, 0.0, 32, max_iter).evaluate_every == every


@pytest.mark.parametrize("value", [Objective(), Recipe(1e-3, 0.0, 32, 10)])
def test_recipes_are_values(value):
    assert value == dataclasses.replace(value)
    assert hash(value) == hash(dataclasses.replace(value))
    with pytest.raises(dataclasses.FrozenInstanceError):
        value.beta = 2.0
