"""How fast a z is learned."""

import pytest

from skvae.models.pace import OF_FEW, OF_MANY, n_folds, pace_of


@pytest.mark.parametrize(
    ("n_rows", "rate", "decay"), [(249, 2e-3, 1.0), (250, 4e-3, 0.5), (999, 4e-3, 0.5), (1000, 6e-3, 1e-2)]
)
def test_few_rows_are_learned_in_larger_steps(n_rows, rate, decay):
    pace = pace_of(n_rows, is_risky=False)
    assert (pace.learning_rate, pace.weight_decay) == (rate, decay)


def test_from_two_thousand_rows_on_all_tables_have_one_pace():
    assert pace_of(2000, is_risky=False) == pace_of(2000, is_risky=True) == OF_MANY


def test_what_a_large_step_may_break_keeps_small_ones():
    assert pace_of(999, is_risky=True) == OF_FEW
    assert pace_of(1000, is_risky=True) == OF_MANY


@pytest.mark.parametrize(("n_rows", "n"), [(10, 5), (249, 5), (250, 4), (400, 3), (500, 2), (1999, 2)])
def test_so_many_folds_as_hold_enough_rows(n_rows, n):
    assert n_folds(n_rows) == n
