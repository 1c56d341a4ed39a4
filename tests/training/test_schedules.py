import itertools
import math

import pytest

from skvae.training.schedules import WARMUP, CyclicalBeta, LinearBeta, warmup_cosine


def test_rises_in_a_line_to_one():
    assert warmup_cosine(0.0) == 0.0
    assert warmup_cosine(WARMUP / 4) == pytest.approx(0.25)
    assert warmup_cosine(WARMUP) == 1.0


def test_falls_in_a_cosine_to_zero():
    for share in (0.0, 0.25, 0.5, 0.8, 1.0):
        progress = WARMUP + share * (1 - WARMUP)
        assert warmup_cosine(progress) == pytest.approx(math.cos(math.pi * share / 2) ** 2, abs=1e-12)


def test_has_one_peak_and_no_jump():
    values = [warmup_cosine(i / 1000) for i in range(1001)]
    peak = values.index(max(values))
    assert values[: peak + 1] == sorted(values[: peak + 1])
    assert values[peak:] == sorted(values[peak:], reverse=True)
    assert max(abs(a - b) for a, b in itertools.pairwise(values)) < 0.011


@pytest.mark.parametrize("share", [0.1, 0.3, 1.0])
def test_the_weight_of_the_kl_rises_in_a_line_to_one(share):
    factors = [LinearBeta(end=share)(progress) for progress in (0.0, share / 4, share / 2, share, 1.0)]
    assert factors == pytest.approx([0.0, 0.25, 0.5, 1.0, 1.0])


def test_without_a_share_the_kl_has_its_weight_from_the_first_step():
    assert [LinearBeta(end=0.0)(progress) for progress in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("n_cycles", [1, 2, 5])
def test_beta_rises_as_often_as_there_are_cycles(n_cycles):
    schedule = CyclicalBeta(3.0, n_cycles=n_cycles, end=0.5)
    values = [schedule(i / 1000) for i in range(1001)]
    starts = sum(b < a for a, b in itertools.pairwise(values)) + 1
    assert starts == n_cycles
    assert (min(values), max(values)) == (0.0, 3.0)
    assert set(values[500:]) == {3.0}


@pytest.mark.parametrize("schedule", [LinearBeta(2.0, end=0.3), CyclicalBeta(2.0, end=0.6), LinearBeta(2.0, end=0.0)])
def test_beta_does_not_move_once_it_has_settled(schedule):
    assert {schedule(schedule.end + i / 100 * (1 - schedule.end)) for i in range(101)} == {2.0}


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        (LinearBeta, "beta", -1.0),
        (LinearBeta, "end", 1.5),
        (LinearBeta, "beta", float("nan")),
        (CyclicalBeta, "n_cycles", 0),
        (CyclicalBeta, "end", "late"),
    ],
)
def test_a_schedule_refuses_what_it_cannot_be(kind, field, value):
    with pytest.raises(ValueError, match=rf"{kind.__name__} needs a number .* as {field}, got {value!r}\. Pass one"):
        kind(**{field: value})
