import numpy as np
import pytest

from skvae.identifiers import Keys, Seen, digests
from skvae.identifiers.keys import aligned

INT64 = np.iinfo(np.int64).max


def rng():
    return np.random.default_rng(0)


def learned(values):
    return Keys.of(values, min(values), max(values), len(values), most=INT64), Seen.of(digests(map(str, values)))


def test_a_count_goes_on():
    keys, seen = learned(list(range(1, 101)))
    assert keys.new(5000, rng(), seen, most=INT64) == list(range(101, 5101))
    assert keys.new(3, rng(), seen, {102, 7}, most=INT64) == [101, 103, 104]


def test_a_count_in_any_order_stays_so():
    keys, seen = learned([30, 10, 20, 50, 40])
    new = keys.new(100, rng(), seen, most=INT64)
    assert sorted(new) == list(range(60, 1060, 10)) != new


def test_sparse_keys_lie_among_the_others_and_are_none_of_them():
    values = (rng().choice(90_000_000, 1000, replace=False) + 10_000_000).tolist()
    keys, seen = learned(values)
    assert (keys.lower, keys.upper) == (10_000_000, 99_999_999)
    first = keys.new(10_000, rng(), seen, most=INT64)
    new = keys.new(10_000, rng(), seen, set(first), most=INT64)
    assert len({*first, *new}) == 20_000 and not {*first, *new} & set(values)
    assert np.mean(first) == pytest.approx(55_000_000, rel=0.02) and max(first) < 100_000_000 > min(first) > 9_999_999


def test_keys_follow_the_largest_where_the_others_leave_no_room():
    values = rng().choice(9000, 100, replace=False).tolist()
    keys, seen = learned(values)
    assert min(keys.new(50, rng(), seen, most=INT64)) <= max(values)
    assert min(keys.new(5000, rng(), seen, most=INT64)) > max(values)


def test_keys_may_be_as_large_as_a_dtype_allows():
    values = [2**64 - 1000 + i for i in range(100)]
    keys, seen = learned(values)
    assert keys.new(2, rng(), seen, most=2**64 - 1) == [2**64 - 900, 2**64 - 899]
    with pytest.raises(ValueError, match=r"up to 18446744073709551615 there are 900 of the 901 .* Ask for fewer"):
        keys.new(901, rng(), seen, most=2**64 - 1)


def test_the_same_seed_draws_the_same():
    keys, seen = learned([5, 900_000, 31, 77_777])
    assert keys.new(9, rng(), seen, most=INT64) == keys.new(9, rng(), seen, most=INT64)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [((120_034, 129_870), (120_000, 129_999)), ((7, 93), (7, 93)), ((-20, 50), (-20, 50)), ((17, 93), (10, 99))],
)
def test_a_range_has_the_digits_that_its_ends_share(ends, expected):
    assert aligned(*ends) == expected


@pytest.mark.parametrize("parts", [(5, 1, 1, 2, True), (1, 5, 0, 2, True)])
def test_impossible_ranges_are_refused(parts):
    with pytest.raises(ValueError, match="there are no numbers from"):
        Keys(*parts)
