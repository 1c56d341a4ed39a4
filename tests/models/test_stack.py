import pytest
from torch import nn

from skvae import VAETransformer
from skvae.models import is_stackable
from skvae.models.stack import halve
from skvae.priors import Normal


@pytest.mark.parametrize(
    ("change", "is_one"),
    [
        ({}, True),
        ({"prior": Normal()}, True),
        ({"beta": 2.0, "free_bits": 0.1, "n_draws": 3}, True),
        ({"prior": "mixture"}, False),
        ({"dropout": 0.1}, False),
        ({"encoder": nn.Linear}, False),
        ({"decoder": nn.Linear}, False),
        ({"decoder": "autoregressive"}, False),
    ],
)
def test_a_stack_takes_what_needs_no_more_than_its_weights(change, is_one):
    assert is_stackable(VAETransformer(**change)) is is_one


class Candidate:
    def __init__(self, elbo):
        self.history = type("History", (), {"latest_elbo": elbo})


class Stack:
    """What halving asks of a training."""

    def __init__(self, *elbos):
        self.running = [Candidate(elbo) for elbo in elbos]
        self.recipe = type("Recipe", (), {"max_iter": 90})
        self.looks = []

    def run(self, until):
        self.looks.append((until, len(self.running)))

    def stop(self, candidates):
        self.running = [candidate for candidate in self.running if candidate not in candidates]


def test_halving_looks_twice_and_keeps_the_best_of_all_stacks():
    stacks = [Stack(-5.0, -1.0, -4.0), Stack(-2.0, -9.0, -3.0, -8.0, -7.0, -6.0)]
    halve(stacks, 3.0)
    assert [stack.looks for stack in stacks] == [[(10, 3), (30, 1)], [(10, 6), (30, 2)]]
    assert [candidate.history.latest_elbo for stack in stacks for candidate in stack.running] == [-1.0]
