from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skvae.tables.columns.exact import (
    as_decimal,
    distance,
    exactly,
    from_units,
    is_on_step,
    n_zeros,
    nearest_step,
    rounded,
    to_units,
)

BASE = 2**60
WHOLES = st.integers(-(10**76), 10**76)
SCALES = st.integers(-20, 76)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(f"{BASE + 3}", BASE + 3), (2.0**60, BASE), ("2.50", 2.5), (True, 1), (np.uint64(3), 3)],
)
def test_numbers_are_read_exactly(value, expected):
    assert exactly(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(0.1 + 0.2, "0.3"), (np.float32(0.5), "0.5"), ("0.10", "0.10"), (7, "7")]
)
def test_a_float_is_the_digits_that_it_is_sure_of(value, expected):
    assert as_decimal(value).as_tuple() == Decimal(expected).as_tuple()


@given(WHOLES, SCALES)
def test_units_of_the_last_decimal_are_there_and_back(units, scale):
    number = from_units(units, scale)
    assert Fraction(number) == units / Fraction(10) ** scale
    assert to_units(number, scale) == units


@given(WHOLES, WHOLES, st.integers(1, 10**38), st.integers(-1000, 1000))
def test_steps_of_76_digits_are_told_apart(units, origin, step, n_steps):
    origin, step = from_units(origin, 30), from_units(step, 30)
    with localcontext(prec=400):
        at, between = origin + n_steps * step, origin + n_steps * step + step / 2
    assert is_on_step(at, origin, step)
    assert not is_on_step(between, origin, step)
    assert nearest_step(distance(at, origin), origin, step) == at
    value = from_units(units, 30)
    assert distance(value, origin) == float(Fraction(value) - Fraction(origin))


def test_what_is_not_finite_is_on_no_step():
    assert not is_on_step(Decimal("Infinity"), Decimal(0), Decimal(1))


@pytest.mark.parametrize(("scale", "expected"), [(2, "12.34"), (0, "12"), (4, "12.3450"), (-1, "1E+1")])
def test_a_number_is_rounded_to_its_decimals(scale, expected):
    assert rounded(Decimal("12.345"), scale).as_tuple() == Decimal(expected).as_tuple()


@given(st.integers(1, 10**40).filter(lambda n: n % 10), st.integers(0, 40), st.sampled_from([1, -1]))
def test_zeros_at_the_end_are_counted(digits, n, sign):
    assert n_zeros(sign * digits * 10**n) == n
