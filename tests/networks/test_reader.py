"""p(x_d | x_V): what is hidden is not seen, what is visible stays, and every answer is a distribution."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from skvae.likelihoods import Categorical, Gaussian, Ordinal, ScoreMixture
from skvae.networks import Reader, restack
from skvae.networks.reader import hidden_columns

PARTS = [(Categorical(), [0, 1], [2, 3]), (ScoreMixture(), [2, 4], [4, 6]), (Gaussian("column"), [3], [0])]
PARTS += [(Ordinal(), [5], [3])]
ROW = torch.tensor([[[0.0, 2.0, 1.5, -0.3, 4.9, 1.0]]], dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def build(joint_of):
    def build(parts=PARTS, indicators=None, std=0.2):
        reader = Reader(joint_of(parts, indicators), (8, 8), generator()).double()
        weights = generator(1)
        for parameter in reader.parameters():
            parameter.data.normal_(std=std, generator=weights)
        return reader.requires_grad_(False)

    return build


def with_gaps(x, *columns):
    x = x.clone()
    x[..., list(columns)] = torch.nan
    return x


@pytest.mark.parametrize("column", range(6))
def test_every_visible_cell_matters(build, column):
    reader, other = build(), torch.tensor([1.0, 0.0, 3.2, 2.0, 0.1, 2.0], dtype=torch.float64)
    changed = ROW.clone()
    changed[..., column] = other[column]
    assert not torch.allclose(reader.outputs(ROW), reader.outputs(changed))
    assert not torch.allclose(reader.outputs(ROW), reader.outputs(with_gaps(ROW, column)))


def test_hidden_cells_are_not_seen_but_asked_for(build):
    reader = build()
    noise = torch.zeros(1, 1, reader.n_components, dtype=torch.float64)
    noise[..., 2:] = torch.arange(6.0)  # a quarter of six cells, and one more: the first two
    parameters = reader(with_gaps(ROW, 0, 1))
    expected = reader.joint.log_prob(with_gaps(ROW, 2, 3, 4, 5), parameters) * 6 / 2
    torch.testing.assert_close(reader.objective(ROW, noise), expected)
    one_gap = with_gaps(ROW, 1)
    parameters = reader(with_gaps(ROW, 0, 1))
    expected = reader.joint.log_prob(with_gaps(ROW, 1, 2, 3, 4, 5), parameters) * 6 / 2
    torch.testing.assert_close(reader.objective(one_gap, noise), expected)


@pytest.mark.parametrize("is_unsaid", [False, True])
def test_indicators_are_hidden_with_their_cells_or_seen(build, is_unsaid):
    reader = build([(Categorical(), [0, 1, 3], [2, 3, 2]), (ScoreMixture(), [2], [4])], {1: 0, 2: 3})
    x = torch.tensor([[[1.0, torch.nan, 1.5, 0.0]]], dtype=torch.float64)
    noise = torch.zeros(1, 1, reader.n_components, dtype=torch.float64)
    noise[..., 1] = 1.0 if is_unsaid else -1.0
    noise[..., 2:] = torch.tensor([0.0, -1.0, 1.0, 0.0])  # one of two cells: the gap
    if is_unsaid:
        expected = reader.joint.log_prob(with_gaps(x, 2, 3), reader(with_gaps(x, 0, 1))) * 2 / 1
    else:
        expected = torch.zeros(1, 1, dtype=torch.float64)
    torch.testing.assert_close(reader.objective(x, noise), expected)


def test_a_row_of_gaps_teaches_nothing(build):
    reader = build()
    noise = torch.randn(1, 2, reader.n_components, generator=generator(), dtype=torch.float64)
    rows = torch.cat([ROW, with_gaps(ROW, *range(6))], dim=1)
    value = reader.objective(rows, noise)[0]
    assert value[0] < 0
    assert value[1] == 0


@given(st.integers(1, 12), st.integers(0, 2**31))
def test_one_column_is_hidden_at_least_and_never_an_indicator(n_columns, seed):
    random = generator(seed)
    is_cell = torch.rand(n_columns, generator=random) < 0.6
    is_cell[0] = True
    share, order = torch.randn(1, 5, 1, generator=random), torch.randn(1, 5, n_columns, generator=random)
    is_hidden = hidden_columns(is_cell, share, order)
    assert not (is_hidden & ~is_cell).any()
    assert is_hidden.any(dim=-1).all()


def test_the_share_of_hidden_columns_is_the_square_of_a_uniform_number():
    random, n = generator(), 40_000
    share, order = torch.randn(1, n, 1, generator=random), torch.randn(1, n, 100, generator=random)
    is_hidden = hidden_columns(torch.ones(100, dtype=torch.bool), share, order)
    share = is_hidden.double().mean(dim=-1)[0]
    assert float((share <= 0.25).double().mean()) == pytest.approx(0.5, abs=0.01)  # of columns in whole numbers
    assert float(share.mean()) == pytest.approx(1 / 3 + 1 / 200, abs=5e-3)


@pytest.mark.parametrize(("column", "n_levels"), [(0, 2), (1, 3), (2, 4), (4, 6), (5, 3)])
def test_levels_have_probabilities_that_add_up_to_one(build, column, n_levels):
    shares = build().log_shares(with_gaps(ROW, column, 3), column).exp()
    assert shares.shape == (1, 1, n_levels)
    assert float(shares.sum()) == pytest.approx(1)


def test_one_gap_is_drawn_from_its_distribution(build):
    reader, n = build(), 20_000
    x = with_gaps(ROW, 1)
    drawn = reader.complete(x.expand(1, n, 6), generator(), gaps=False)[0]
    shares = reader.log_shares(x, 1).exp().flatten().numpy()
    assert stats.chisquare(np.bincount(drawn[:, 1].long(), minlength=3), n * shares).pvalue > 1e-4
    others = [0, 2, 3, 4, 5]
    assert torch.equal(drawn[:, others], ROW[0, :, others].expand(n, 5))


def test_a_second_gap_sees_the_first(build):
    reader, n = build(std=0.8), 20_000
    x = with_gaps(ROW, 0, 1)
    drawn = reader.complete(x.expand(1, n, 6), generator(), gaps=False)[0].long()
    first = reader.log_shares(x, 0).exp().flatten()
    expected = []
    for level in range(2):
        row = with_gaps(ROW, 1)
        row[..., 0] = level
        expected.append(first[level] * reader.log_shares(row, 1).exp().flatten())
    counts = np.bincount(drawn[:, 0] * 3 + drawn[:, 1], minlength=6)
    assert stats.chisquare(counts, n * torch.cat(expected).numpy()).pvalue > 1e-4


def test_a_proposal_comes_with_its_log_probability(build):
    reader = build()
    x = with_gaps(ROW, 0, 2, 5)
    drawn, log_q = reader.propose(x.expand(1, 50, 6), 5, generator(), gaps=False)
    assert drawn[..., 5].isnan().all()  # beyond the columns that were asked for
    first, second = with_gaps(drawn, 0, 2, 5), with_gaps(drawn, 2, 5)
    expected = reader.joint.log_prob(with_gaps(drawn, 1, 2, 3, 4, 5), reader(first))
    expected = expected + reader.joint.log_prob(with_gaps(drawn, 0, 1, 3, 4, 5), reader(second))
    torch.testing.assert_close(log_q, expected)


def test_the_heads_of_a_column_are_those_among_all_outputs(build):
    reader = build()
    for column in range(6):
        for name, head in reader.heads_of_column(column, ROW).items():
            torch.testing.assert_close(head, reader._heads_among(reader.outputs(ROW), column)[name])


def test_expected_cells_have_the_mean_of_their_distribution(build):
    reader = build()
    x = with_gaps(ROW, 0, 3, 4)
    rows = reader.expect(x, 4000)
    shares = reader.log_shares(x, 4).exp().flatten().numpy()
    np.testing.assert_allclose(np.bincount(rows[:, 0, 4].long(), minlength=6) / 4000, shares, atol=1e-3)
    assert set(rows[:, 0, 0].tolist()) == {float(reader.log_shares(x, 0).argmax())}
    expected = reader(x)[2]["loc"][..., 0]
    torch.testing.assert_close(rows[:, 0, 3], expected[0].expand(4000))
    assert torch.equal(rows[:, 0, [1, 2, 5]], ROW[0, :, [1, 2, 5]].expand(4000, 3))


def test_which_cells_are_gaps_is_drawn_or_left_alone(build):
    parts = [(Categorical(), [0, 1], [2, 3]), (ScoreMixture(), [2], [4])]
    reader = build(parts, {1: 0})
    x = torch.tensor([[torch.nan, torch.nan, 1.5]], dtype=torch.float64).expand(1, 400, 3)
    drawn = reader.complete(x, generator(), gaps=True)[0]
    assert torch.equal(drawn[:, 1].isnan(), drawn[:, 0] >= 1)
    assert 0 < int(drawn[:, 1].isnan().sum()) < 400
    filled = reader.complete(x, generator(), gaps=False)[0]
    assert not filled.isnan().any()
    assert not filled[:, 0].any()
    assert not reader.expect(x, 3).isnan().any()


def test_models_of_a_stack_do_not_touch(build):
    reader = build()
    alone = reader.outputs(ROW)
    restack(reader, [0, 0])
    reader.output.weight.data[1] += 1.0
    both = reader.outputs(ROW.expand(2, 1, 6))
    torch.testing.assert_close(both[:1], alone)
    assert not torch.allclose(both[1:], alone)
