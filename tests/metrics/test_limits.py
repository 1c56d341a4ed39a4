import numpy as np
import pytest

from skvae.metrics.limits import Limits, worst_verdict

LIMITS = Limits((0.01, 0.05), slack=(1.5, 3.0), excess=(0.1, 0.2), ceilings=(0.3, 0.6))


@pytest.mark.parametrize(
    ("of_real", "good", "fair"),
    [
        (0.0, 0.01, 0.05),  # the limits
        (0.1, 0.15, 0.3),  # multiples of what real rows have
        (0.22, 0.3, 0.42),  # a multiple, cut by the ceiling; what is allowed on top
        (0.9, 0.3, 0.6),  # a spoiled reference excuses nothing beyond the ceilings
    ],
)
def test_limits_beside_real_rows(of_real, good, fair):
    assert [float(limit) for limit in LIMITS.of(of_real)] == pytest.approx([good, fair])
    assert LIMITS.verdict(good - 1e-9, of_real) == "good"
    assert LIMITS.verdict(good + 1e-9, of_real) == LIMITS.verdict(fair - 1e-9, of_real) == "fair"
    assert LIMITS.verdict(fair + 1e-9, of_real) == "poor"


@pytest.mark.parametrize("of_real", np.linspace(0, 1, 11))
def test_nothing_beyond_a_ceiling_is_good(of_real):
    assert LIMITS.verdict(0.31, of_real) != "good"
    assert LIMITS.verdict(0.61, of_real) == "poor"


def test_several_losses_are_as_bad_as_the_worst():
    assert LIMITS.verdict([0.0, 0.04], [0.0, 0.03]) == "good"
    assert LIMITS.verdict([0.0, 0.04], [0.03, 0.0]) == "fair"
    assert LIMITS.verdict([], []) == "good"


def test_the_worst_verdict():
    assert worst_verdict("fair", "good") == "fair"
    assert worst_verdict("fair", "poor", "good") == "poor"
    assert worst_verdict() == "good"
