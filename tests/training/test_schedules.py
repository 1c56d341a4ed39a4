import itertools
import math

import pytest

from skvae.training.schedules import WARMUP, kl_warmup, warmup_cosine


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
    factors = [kl_warmup(progress, share) for progress in (0.0, share / 4, share / 2, share, 1.0)]
    assert factors == pytest.approx([0.0, 0.25, 0.5, 1.0, 1.0])


def test_without_a_share_the_kl_has_its_weight_from_the_first_step():
    assert [kl_warmup(progress, 0.0) for progress in (0.0, 0.5, 1.0)] == [1.0, 1.0, 1.0]
