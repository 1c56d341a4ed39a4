"""p(x) column by column: a distribution, whose draws have its frequencies."""

import numpy as np
import pytest
import torch
from scipy import stats

from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Histogram, Ordinal
from skvae.networks import MLP, Chain

TINY = [(Categorical(), [2, 0], [3, 2]), (Bernoulli(), [1], [0]), (Ordinal(), [3], [3])]
TINY_ROWS = torch.cartesian_prod(*[torch.arange(n, dtype=torch.float64) for n in (2, 2, 3, 3)])
MIXED = [(Gaussian("column"), [0], [0]), (Categorical(), [1, 3], [3, 5]), (Histogram(), [2], [6])]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def build(joint_of):
    def build(parts=TINY, indicators=None, std=0.3):
        def trunk(n_in, n_out):
            return MLP(n_in, n_out, (6,), "silu", 0.0, generator())

        chain = Chain(joint_of(parts, indicators), trunk, generator()).double()
        weights = generator(1)
        for parameter in chain.parameters():
            parameter.data.normal_(std=std, generator=weights)
        return chain.requires_grad_(False)

    return build


def log_prob_of_first(chain, n, x):
    return chain.propose(x, n, generator(), gaps=True)[1]


def test_all_rows_together_have_probability_one(build):
    assert float(build().log_prob(TINY_ROWS[None]).exp().sum()) == pytest.approx(1)


def test_given_the_first_cells_the_others_are_conditional(build):
    chain = build()
    joint = chain.log_prob(TINY_ROWS[None])[0].view(2, 2, 3, 3)
    first = joint.flatten(1).logsumexp(dim=1)
    given = chain.log_prob(TINY_ROWS[None], n_known=1)[0].view(2, 2, 3, 3)
    torch.testing.assert_close(given, joint - first[:, None, None, None])


def test_the_first_columns_have_the_probability_of_all_that_begin_so(build):
    chain = build()
    joint = chain.log_prob(TINY_ROWS[None])[0].view(2, 2, 9)
    first = log_prob_of_first(chain, 2, TINY_ROWS[None])[0].view(2, 2, 9)
    torch.testing.assert_close(first, joint.logsumexp(dim=2, keepdim=True).expand(2, 2, 9))
    torch.testing.assert_close(log_prob_of_first(chain, 4, TINY_ROWS[None]), chain.log_prob(TINY_ROWS[None]))


def test_a_gap_adds_nothing_to_the_probability_of_the_first_columns(build):
    chain = build([(Categorical(), [0, 1], [2, 3]), (Histogram(), [2], [6])], {1: 0})
    x = torch.tensor([[[1.0, torch.nan, 2.4], [0.0, 2.0, 5.1]]], dtype=torch.float64)
    torch.testing.assert_close(log_prob_of_first(chain, 3, x), chain.log_prob(x))


def test_what_is_proposed_and_its_weight_are_together_the_probability_of_the_row(build):
    """Given the third cell: the frequency of the first two, times the weight of each such row, is p(x_1, x_2, x_3)."""
    chain, n = build(), 20_000
    x = torch.full((1, n, 4), torch.nan, dtype=torch.float64)
    x[..., 2] = 1.0
    rows, log_prob = chain.propose(x, 3, generator(), gaps=True)
    assert rows[..., 3].isnan().all() and (rows[..., 2] == 1.0).all()
    code = rows[0, :, :2].long() @ torch.tensor([2, 1])
    weights = torch.zeros(4, dtype=torch.float64).index_add(0, code, log_prob[0].exp()) / n
    joint = chain.log_prob(TINY_ROWS[None])[0].exp().view(4, 3, 3).sum(dim=2)[:, 1]
    torch.testing.assert_close(weights, joint, atol=0.005, rtol=0)


def test_that_there_are_no_gaps_adds_no_probability(build):
    chain = build([(Categorical(), [0, 1], [2, 3]), (Histogram(), [2], [6])], {1: 0})
    x = torch.tensor([[[torch.nan, 2.0, torch.nan]]], dtype=torch.float64)
    rows, log_prob = chain.propose(x, 2, generator(), gaps=False)
    assert rows[0, 0, 0] == 0
    torch.testing.assert_close(log_prob, chain.log_prob(rows, n_known=1))


@pytest.mark.parametrize("parts", [TINY, [(Categorical(), [0, 1, 3], [2, 2, 3]), (Gaussian("column"), [2], [0])]])
def test_rows_that_begin_alike_have_the_probability_that_they_have_alone(parts, build):
    chain = build(parts)
    x = torch.tensor([[1.0, 0.0, 2.0, 0.0], [1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0]], dtype=torch.float64)
    rows = x[torch.arange(12) % 3]
    rows[:, 2] += torch.arange(12) // 3 if len(parts) == 2 else 0  # numbers, which no two rows share
    torch.testing.assert_close(log_prob_of_first(chain, 4, rows[None]), chain.log_prob(rows[None]))


def test_what_rows_share_is_evaluated_once(build):
    chain, seen = build([(Categorical(), [0, 1, 2], [2, 2, 900]), (Bernoulli(), [3], [0])]), list[int]()
    chain.deep.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    drawn = chain.sample(400, torch.empty(0, dtype=torch.float64), generator(), gaps=True)[0].long()
    pairs = len(drawn[:, :2].unique(dim=0))
    assert seen == [1, 2, pairs, 400]


def test_no_column_sees_later_ones(build):
    chain = build(MIXED)
    x = torch.tensor([[[0.3, 1.0, 2.4, 3.0]]], dtype=torch.float64)
    for j in range(4):
        other = x.clone()
        other[..., j:] = torch.tensor([-1.0, 2.0, 5.1, 0.0], dtype=torch.float64)[j:]
        of_x, of_other = chain(x), chain(other)
        for b, block in enumerate(chain.joint):
            for i, column in enumerate(block.index):
                if column > j:
                    continue
                for name in of_x[b]:
                    first = sum(block.shares(name)[:i])
                    part = slice(first, first + block.shares(name)[i])
                    torch.testing.assert_close(of_x[b][name][..., part], of_other[b][name][..., part])


def test_draws_have_the_probabilities_of_rows(build):
    chain, n = build(), 40_000
    drawn = chain.sample(n, torch.empty(0, dtype=torch.float64), generator(3), gaps=True)[0].long()
    code = ((drawn[:, 0] * 2 + drawn[:, 1]) * 3 + drawn[:, 2]) * 3 + drawn[:, 3]
    expected = chain.log_prob(TINY_ROWS[None]).exp().flatten().numpy()
    assert stats.chisquare(np.bincount(code, minlength=36), n * expected / expected.sum()).pvalue > 1e-4


def test_gaps_are_drawn_where_their_indicator_says_so(build):
    chain = build([(Categorical(), [0, 1], [2, 3]), (Gaussian("column"), [2], [0])], {1: 0})
    rows = chain.sample(500, torch.empty(0, dtype=torch.float64), generator(), gaps=True)[0]
    assert torch.equal(rows[:, 1].isnan(), rows[:, 0] >= 1)
    assert 0 < int(rows[:, 1].isnan().sum()) < 500
    assert not chain.sample(500, torch.empty(0, dtype=torch.float64), generator(), gaps=False).isnan().any()


def test_known_cells_are_kept(build):
    x = TINY_ROWS[None, :8].clone()
    x[:, ::2, 2] = torch.nan
    filled = build().complete(x, generator())
    assert not filled.isnan().any()
    assert torch.equal(filled[~x.isnan()], x[~x.isnan()])


def test_a_shifted_column_has_other_odds(build):
    chain = build()
    before = chain(TINY_ROWS[None])[0]["logits"].clone()
    chain.shift_column(0, torch.tensor([1.0, 0.0], dtype=torch.float64))
    after = chain(TINY_ROWS[None])[0]["logits"]
    expected = torch.zeros_like(before)
    expected[..., 3] = 1.0  # the columns of the block are the third, of three levels, and the first
    torch.testing.assert_close(after - before, expected)
