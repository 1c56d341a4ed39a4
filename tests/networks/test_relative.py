"""Logits by distance: each kernel around the level of its reference, and nothing where there is none."""

import pytest
import torch

from skvae.likelihoods import Histogram
from skvae.networks import MLP, Chain, RelativeLogits
from skvae.networks.relative import KERNEL_STD, N_REFERENCES, N_STEPS, WINDOW
from tests.networks.rulers import ruler, three_columns

WIDTH = 5


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def built(rulers, first_output=None):
    """Every weight is drawn, and every column refers to the ones before it."""
    first_output = first_output or {r.column: sum(len(o.begins) for o in rulers[:i]) for i, r in enumerate(rulers)}
    relative = RelativeLogits(rulers, first_output, WIDTH, generator()).double().requires_grad_(False)
    for parameter in relative.parameters():
        parameter.data.normal_(generator=generator(1))
    relative.get_buffer("met").normal_(generator=generator(2))
    for c in range(1, len(rulers)):
        relative.refer(c, list(range(c)))
    return relative


def by_loops(relative, x, hidden, c):
    """The equation of the class, cell by cell."""
    tau = relative.level_of_reference(x, [c])[0, :, 0]
    logits = torch.zeros(x.shape[1], relative.rulers.n_levels[c], dtype=x.dtype)
    for b in range(x.shape[1]):
        for r in range(N_REFERENCES):
            if tau[b, r] < 0:
                continue
            state = int(relative.rulers.is_single[c, tau[b, r]])
            gates = relative.gates[0, c, r] @ hidden[0, b, relative.rulers.columns[c]] + torch.tensor([1.0, 0.0])
            kernel = gates @ relative.kernels[0, c, r, state]
            distance = torch.arange(relative.rulers.n_levels[c]) - tau[b, r]
            logits[b] += kernel[distance.clamp(-WINDOW - 1, WINDOW + 1) + WINDOW + 1]
            logits[b, tau[b, r]] += relative.met[c, r, tau[b, r]] * (state == 0)
    return logits


@pytest.fixture
def rows():
    g = generator(2)
    x = torch.rand(1, 40, 3, generator=g, dtype=torch.float64) * torch.tensor([30.0, 11.0, 2.0])
    x[0, ::7, 0] = torch.nan
    return x, torch.randn(1, 40, 3, WIDTH, generator=g, dtype=torch.float64)


def test_a_shift_is_added_to_the_range_that_is_met_alone(rows):
    x, hidden = rows
    relative = built(three_columns())
    column, reference = relative.rulers.columns[1], relative.rulers.columns[0]
    logits = torch.zeros(1, 40, relative.rulers.n_levels[1], dtype=torch.float64)
    before, met = relative.of_column(column, x, hidden[:, :, column], logits), relative.ranges_met(column, x)
    assert list(met) == [reference]
    shifts = torch.arange(1.0, relative.rulers.n_levels[1] + 1, dtype=torch.float64)
    relative.shift_met(column, reference, shifts)
    added = relative.of_column(column, x, hidden[:, :, column], logits) - before
    is_met = torch.arange(logits.shape[-1]) == met[reference].unsqueeze(-1)  # −1 is none
    torch.testing.assert_close(added, shifts * is_met)
    assert 0 < is_met.sum() < 40


def test_all_columns_together_are_the_sums_of_their_kernels(rows):
    x, hidden = rows
    relative = built(three_columns())
    n_levels = relative.rulers.n_levels
    logits = relative(x, hidden, torch.zeros(1, 40, sum(n_levels), dtype=torch.float64))[0]
    for c, part in enumerate(torch.split(logits, n_levels, dim=-1)):
        torch.testing.assert_close(part, by_loops(relative, x, hidden, c))
    assert logits[:, n_levels[0] : sum(n_levels[:2])].abs().max() > 0.5


def test_columns_without_references_are_as_they_were(rows):
    x, hidden = rows
    relative = built(three_columns())
    n_levels, zeros = relative.rulers.n_levels, torch.zeros(1, 40, sum(relative.rulers.n_levels), dtype=torch.float64)
    relative.refer(1, [])
    assert [relative.tells(r.column) for r in three_columns()] == [False, False, True]
    logits = relative(x, hidden, zeros)[0]
    assert (logits[:, : -n_levels[2]] == 0.0).all()
    torch.testing.assert_close(logits[:, -n_levels[2] :], by_loops(relative, x, hidden, 2))
    relative.refer(2, [])
    assert relative(x, hidden, zeros) is zeros


def test_one_column_is_what_it_is_among_all(rows):
    x, hidden = rows
    relative = built(three_columns(), {0: 0, 1: 40, 2: 90})
    together = relative(x, hidden, torch.ones(1, 40, 100, dtype=torch.float64))
    n_levels = relative.rulers.n_levels[1]
    alone = relative.of_column(1, x, hidden[:, :, 1], torch.ones(1, 40, n_levels, dtype=torch.float64))
    torch.testing.assert_close(together[..., 40 : 40 + n_levels], alone)
    assert (together[..., [*range(40 + n_levels, 90), *range(92, 100)]] == 1.0).all()


def test_values_fall_into_their_levels():
    relative = built(three_columns()).float()
    x = torch.tensor([[[2.55, 0.0, 0.0], [5.01, 0.0, 0.0], [11.5, 0.0, 0.0], [torch.nan, 0.0, 0.0]]])
    tau = relative.level_of_reference(x, [1])[0, :, 0]
    assert tau[:, 0].tolist() == [2, 6, -1, -1]  # 25; 50 and more, after the single value; 115, and a gap: nothing
    assert (tau[:, 1:] == -1).all()  # there are no more references


def test_training_begins_without_them(rows):
    x, hidden = rows
    relative = RelativeLogits(three_columns(), {0: 0, 1: 30, 2: 41}, WIDTH, generator()).double()
    for c in range(1, 3):
        relative.refer(c, list(range(c)))
    assert relative(x, hidden, torch.zeros(1, 40, 43, dtype=torch.float64)).abs().max() == 0.0
    assert relative.kernels.shape[-1] == N_STEPS
    assert float(relative.kernels.detach()[..., 1:, :].std()) == pytest.approx(KERNEL_STD, rel=0.1)


def test_the_models_of_a_stack_do_not_touch(rows):
    x, hidden = rows
    one, other = built(three_columns()), built(three_columns())
    for parameter in other.parameters():
        parameter.data.normal_(generator=generator(5))
    both = built(three_columns())
    both.gates.data = torch.cat([one.gates.data, other.gates.data])
    both.kernels.data = torch.cat([one.kernels.data, other.kernels.data])
    zeros = torch.zeros(1, 40, 43, dtype=torch.float64)
    together = both(x.expand(2, -1, -1), hidden.expand(2, -1, -1, -1), zeros.expand(2, -1, -1))
    torch.testing.assert_close(together, torch.cat([one(x, hidden, zeros), other(x, hidden, zeros)]))


@pytest.fixture
def chain(joint_of):
    """Three histograms of three levels, the later ones with references, and every weight drawn."""
    joint = joint_of([(Histogram(), [0, 1, 2], [3, 3, 3])])
    rulers = [ruler(j, [0.0, 1.0, 2.0], [1.0, 2.0, 3.0]) for j in range(3)]

    def trunk(n_in, n_out):
        return MLP(n_in, n_out, (6,), "silu", 0.0, generator())

    chain = Chain(joint, trunk, generator(), rulers).double()
    for parameter in chain.parameters():
        parameter.data.normal_(std=0.3, generator=generator(1))
    chain.relative.kernels.data.mul_(5)
    for c in (1, 2):
        chain.relative.refer(c, list(range(c)))
    return chain.requires_grad_(False)


ROWS = torch.cartesian_prod(*[torch.arange(3, dtype=torch.float64) + 0.5] * 3)[None]


def test_a_chain_with_references_is_a_distribution(chain):
    assert float(chain.log_prob(ROWS).exp().sum()) == pytest.approx(1)
    torch.testing.assert_close(chain.propose(ROWS, 3, generator(), gaps=True)[1], chain.log_prob(ROWS))
    chain.relative.refer(2, [])
    assert float(chain.log_prob(ROWS).exp().sum()) == pytest.approx(1)


def test_draws_of_a_chain_with_references_have_its_probabilities(chain):
    drawn = chain.sample(40_000, torch.empty(0, dtype=torch.float64), generator(3), gaps=True)[0].long()
    shares = torch.bincount(drawn @ torch.tensor([9, 3, 1]), minlength=27) / 40_000
    torch.testing.assert_close(shares, chain.log_prob(ROWS)[0].exp().float(), atol=0.01, rtol=0)
