"""Cells of one column among the levels of another."""

import torch

from skvae.networks.rulers import Rulers, comparable
from tests.networks.rulers import ruler, three_columns


def levels(rulers, cells, column):
    """Level of the column in which cells of the first one fall."""
    x = torch.zeros(1, len(cells), len(rulers))
    x[0, :, 0] = torch.tensor(cells)
    both = Rulers(rulers).float()
    values = both.measure(x, torch.tensor([[0]]))
    return both.level_of(values, [column])[0, :, 0, 0].tolist()


def test_values_fall_into_their_levels():
    cells = [2.55, 5.01, 11.5, torch.nan]
    assert levels(three_columns(), cells, 1) == [2, 6, -1, -1]  # 25; beyond the single value; 115, a gap: nothing
    assert levels(three_columns(), cells, 2) == [-1, -1, -1, -1]  # all numbers there are larger


def test_a_single_value_is_met_exactly():
    whole = ruler(0, [49.0, 50.0, 51.0], [49.0, 50.0, 51.0])
    assert levels([whole, three_columns()[1]], [0.0, 1.0, 2.0], 1) == [4, 5, 6]
    single = Rulers([whole, three_columns()[1]]).are_single(torch.tensor([[[[4], [5], [-1]]]]).mT, [1])
    assert single.flatten().tolist() == [False, True, False]


def test_float32_tells_days_of_nanoseconds_apart():
    days = [1.7e18 + k * 86_400e9 for k in range(100)]
    two = [ruler(j, days[:-1], days[1:], "M in ns") for j in range(2)]
    assert levels(two, [k + 0.5 for k in range(99)], 1) == list(range(99))


def test_columns_of_different_units_keep_their_ranges():
    rulers = [ruler(0, [0.0, 5.0], [5.0, 10.0]), ruler(1, [0.0], [1e18], "M in ns"), ruler(2, [4.0], [10.0])]
    assert levels(rulers, [0.5, 1.5], 2) == [-1, 0]
    assert [r.column for r in comparable(rulers)] == [0, 2]


def test_a_constant_has_one_level():
    rulers = [ruler(j, [3.0], [3.0]) for j in range(2)]
    assert levels(rulers, [0.0], 1) == [0]


def test_more_points_tell_more_places_apart():
    shares = (torch.arange(64) + 0.5) / 64
    fine = [ruler(j, [0.0, 10.0], [10.0, 20.0]) for j in range(2)]
    fine = [r._replace(points=(r.begins[:, None] + 10 * shares).flatten()) for r in fine]
    x = torch.tensor([[[0.26, 0.0], [0.99, 0.0]]])
    both = Rulers(fine)
    assert both.n_points == 64
    measured = both.measure(x, torch.tensor([[0]])).flatten() * 20
    torch.testing.assert_close(measured, torch.tensor([2.578125, 9.921875], dtype=torch.float64), rtol=1e-6, atol=0.0)
