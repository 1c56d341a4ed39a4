import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from skvae.metrics import distance_to_closest_record, exact_copies
from skvae.metrics.privacy import _nearest, is_copy, leaning


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "a": rng.normal(size=n_rows),
            "b": rng.integers(100, 200, size=n_rows),
            "word": rng.choice(["x", "y", "z"], n_rows),
            "flag": rng.random(n_rows) < 0.3,
        }
    )
    return table.mask(rng.random(table.shape) < 0.1)


def gower(rows, reference, ranges):
    """Distances, cell by cell. Shape: (M, N)."""
    total = np.zeros((len(rows), len(reference)))
    for (_, row), out in zip(rows.iterrows(), total, strict=True):
        for name in rows:
            gaps = pd.isna(row[name]), reference[name].isna().to_numpy()
            if name in ranges:
                known = np.minimum(1, np.abs(row[name] - reference[name].to_numpy(dtype=float)) / ranges[name])
            else:
                known = (reference[name] != row[name]).to_numpy(dtype=float)
            out += np.where(gaps[1], float(not gaps[0]), 1.0 if gaps[0] else known)
    return total


def test_share_is_that_of_gowers_distances():
    train, test, synthetic = draw(40, 0), draw(40, 1), draw(60, 2)
    synthetic.loc[0, "a"] = 1e9
    real = pd.concat([train, test])
    ranges = {name: float(real[name].max() - real[name].min()) for name in ("a", "b")}
    gain = gower(synthetic, test, ranges).min(axis=1) - gower(synthetic, train, ranges).min(axis=1)
    expected = (gain > 1e-9).mean() + (np.abs(gain) <= 1e-9).mean() / 2
    assert distance_to_closest_record(train, test, synthetic) == pytest.approx(expected)


@pytest.mark.parametrize(("n_rows", "n_reference"), [(1, 1), (33, 4097), (70, 5000)])
def test_blocks_cover_all_rows(n_rows, n_reference):
    rng = np.random.default_rng(0)
    rows, reference = (rng.random((n, 3)).astype(np.float32) for n in (n_rows, n_reference))
    distances = cdist(rows, reference, "cityblock")
    closest, which = _nearest(rows, reference)
    assert_allclose(closest, distances.min(axis=1), rtol=1e-4)
    assert_allclose(distances[np.arange(n_rows), which], closest, rtol=1e-4)


def numbers(n_rows, seed):
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(n_rows, 3)))


@pytest.mark.parametrize(("n_real", "n_rows"), [(60, 60), (40, 600)])
def test_the_standard_error_is_that_of_many_tables(n_real, n_rows):
    found = [
        leaning(*(numbers(n, 3 * seed + i) for i, n in enumerate((n_real, n_real, n_rows)))) for seed in range(300)
    ]
    shares, errors = np.transpose(found)
    assert abs(shares.mean() - 0.5) < 4 * shares.std() / np.sqrt(300)
    assert np.sqrt((errors**2).mean()) == pytest.approx(shares.std(), rel=0.15)  # .5 / sqrt(M) is a third of it for 600
    assert shares[0] == distance_to_closest_record(numbers(n_real, 0), numbers(n_real, 1), numbers(n_rows, 2))


def test_copies_are_marked_row_by_row():
    real = pd.DataFrame({"n": [1, 2], "word": ["a", None]})
    assert is_copy(real, pd.DataFrame({"n": [2.0, 1.0], "word": [None, "b"]})).tolist() == [True, False]


def test_copies_of_either_side_are_closest_to_it():
    train, test = (draw(200, seed).assign(id=np.arange(200) + seed / 2) for seed in (0, 1))
    assert distance_to_closest_record(train, test, train.sample(frac=1, random_state=0)) == 1
    assert distance_to_closest_record(train, test, test) == 0
    assert distance_to_closest_record(train, train, test) == 0.5  # all ties


def test_fresh_rows_are_as_close_to_train_as_to_test():
    share = distance_to_closest_record(draw(3000, 0), draw(500, 1), draw(1000, 2), random_state=0)
    assert abs(share - 0.5) < 0.06  # four standard errors; with all training rows it is .8


def test_equal_distances_are_ties_in_single_precision():
    train, test, synthetic = (pd.DataFrame({"x": x}) for x in ([1.0, 2.0, 3.0], [1.5, 2.5, 3.5], [2.75, 2.25, 1.25]))
    assert distance_to_closest_record(train, test, synthetic) == 0.5


def test_a_constant_is_a_category_of_one_level():
    train = pd.DataFrame({"x": [7.0, 7.0], "y": [0.0, 10.0]})
    test = pd.DataFrame({"x": [7.0, np.nan], "y": [5.0, 6.0]})
    synthetic = pd.DataFrame({"x": [7.0, 7.001, np.nan], "y": [5.1, 0.0, 6.0]})
    assert distance_to_closest_record(train, test, synthetic) == pytest.approx(1 / 3)


def test_a_sample_of_rows_is_drawn_by_seed():
    tables = draw(50, 0), draw(30, 1), draw(500, 2)
    first, second = (distance_to_closest_record(*tables, max_rows=40, random_state=1) for _ in range(2))
    assert first == second
    assert (first * 80) % 1 == 0
    with pytest.raises(ValueError, match=r"max_rows must be at least 1 or None, but is 0. Pass None"):
        distance_to_closest_record(*tables, max_rows=0)


def test_copies_are_counted_cell_by_cell():
    reference = pd.DataFrame({"n": [1, 2, 3], "word": ["a", None, "c"], "when": pd.to_datetime(["2020", None, "2021"])})
    assert exact_copies(reference, reference[::-1]) == 1
    assert exact_copies(reference, reference.assign(n=[3, 2, 1])) == pytest.approx(1 / 3)
    assert exact_copies(reference, pd.concat([reference, reference.assign(word="b")])) == 0.5


def test_copies_ignore_dtypes_and_kinds_of_gaps(mixed):
    other = mixed.astype({"visits": "Float64", "kind": "category", "city": object, "word": "string[pyarrow]"})
    other["color"] = other["color"].where(other["color"].notna(), np.nan)
    other["member"] = other["member"].astype("bool[pyarrow]")
    assert exact_copies(mixed, other) == exact_copies(other, mixed) == 1


def test_long_numbers_and_close_instants_are_not_merged():
    long = pd.DataFrame({"id": [2**60, 2**60 + 2]})
    assert exact_copies(long, long + 1) == 0
    instant = pd.DataFrame({"when": pd.to_datetime(["2020-01-01 00:00:00.000000001"])})
    assert exact_copies(instant, instant + pd.Timedelta("1ns")) == 0
    assert exact_copies(instant, instant) == 1
