import pytest
import torch

from skvae.models.tries import Attempt, attempts
from skvae.training import Recipe

RECIPE = Recipe(1e-2, 1e-2, batch_size=33, max_iter=6)
FULL = torch.OutOfMemoryError("CUDA out of memory")


def tried(*errors):
    """Batch sizes of the tries at a training that meets these errors, one a try."""
    sizes, errors = [], iter(errors)
    for attempt in attempts(RECIPE):
        with attempt:
            sizes.append(attempt.recipe.batch_size)
            error = next(errors)
            if error is not None:
                raise error
    return sizes


def test_a_training_that_fits_into_memory_is_tried_once():
    assert tried(None) == [33]


def test_half_a_batch_is_tried_where_the_whole_does_not_fit():
    with pytest.warns(ResourceWarning, match="no memory for 33 rows a step, .* Set batch_size to 16 or less"):
        assert tried(FULL, None) == [33, 16]


def test_what_does_not_fit_twice_is_an_error():
    with (
        pytest.warns(ResourceWarning, match="half as many"),
        pytest.raises(MemoryError, match=r"no memory for 16 rows a step\. Set batch_size to fewer, choose smaller"),
    ):
        tried(FULL, FULL)


@pytest.mark.parametrize("error", [ValueError("of the user"), KeyboardInterrupt()], ids=repr)
def test_other_errors_pass(error):
    with pytest.raises(type(error)):
        tried(error)


def test_an_attempt_knows_whether_it_failed():
    with (attempt := Attempt(RECIPE)):
        raise FULL
    assert attempt.has_failed
    with attempt:
        pass
    assert not attempt.has_failed
