import pytest

from skvae.tables.columns.steps import Lattice


@pytest.mark.parametrize(
    ("values", "lattice"),
    [
        ([10, 16, 22, 13], (10, 22, 3)),
        ([5, 5], (5, 5, 0)),
        ([-(2**63), 2**63 - 1], (-(2**63), 2**63 - 1, 2**64 - 1)),
        ([10**40 + 7, 10**40 + 1, 10**40 + 25], (10**40 + 1, 10**40 + 25, 6)),
    ],
)
def test_a_lattice_is_joined_as_if_all_values_came_at_once(values, lattice):
    assert Lattice.of(values) == lattice
    assert Lattice.of(values[:1]).joined(Lattice.of(values[1:])) == lattice


def test_steps_are_counted():
    assert Lattice.of([10, 16, 22]).n_steps == 2
    assert Lattice.of([5, 5]).n_steps == 0
