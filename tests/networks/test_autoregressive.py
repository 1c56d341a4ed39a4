"""Columns see earlier columns and no others, all at once in training as one after another in sampling."""

import copy
import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from skvae.likelihoods import (
    Bernoulli,
    Categorical,
    DiscretizedLogistic,
    Gaussian,
    Histogram,
    NegativeBinomial,
    Ordinal,
    Poisson,
    StudentT,
)
from skvae.networks import MLP, VAE, AutoregressiveDecoder, Decoder, restack
from skvae.networks.levels import look_up
from skvae.priors import StandardNormal

K = 2
MIXED = [
    (Gaussian("column"), [0, 5], [0, 0]),
    (Categorical(), [7, 1], [3, 5]),
    (Poisson(), [2], [0]),
    (StudentT("row"), [3], [0]),
    (Histogram(), [4, 11], [6, 2]),
    (Ordinal(), [6], [4]),
    (Gaussian("shared"), [8], [0]),
    (Bernoulli(), [9], [0]),
    (NegativeBinomial(), [10], [0]),
    (DiscretizedLogistic("column"), [12], [0]),
]
D = 13
TINY = [(Categorical(), [2, 0], [3, 2]), (Bernoulli(), [1], [0]), (Ordinal(), [3], [3])]
TINY_ROWS = torch.cartesian_prod(*[torch.arange(n, dtype=torch.float64) for n in (2, 2, 3, 3)])
TINY_STD = 0.25  # of the weights, for probabilities neither even nor certain
N_DRAWS = 20_000
P_MIN = 1e-4


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def build(joint_of):
    def build(parts=MIXED, indicators=None, *, linear=True, std=0.4, kind=AutoregressiveDecoder):
        def trunk(n_in, n_out):
            return MLP(n_in, n_out, (6,), "silu", 0.0, generator())

        joint = joint_of(parts, indicators)
        trunks = (trunk, trunk) if kind is AutoregressiveDecoder else (trunk,)
        decoder = kind(joint, K, *trunks, linear=linear, generator=generator()).double()
        if std:
            weights = generator(1)
            for parameter in decoder.parameters():
                parameter.data.normal_(std=std, generator=weights)
        return decoder.requires_grad_(False), joint.double()

    return build


def latent(n_rows, n_models=1, seed=2):
    return torch.randn(n_models, n_rows, K, generator=generator(seed), dtype=torch.float64)


def rows(n_rows=7, n_models=1, share_missing=0.2):
    """Rows of the mixed table."""
    size = (n_models, n_rows)
    x = torch.randn(*size, D, generator=generator(3), dtype=torch.float64)
    n_values = {1: 5, 4: 6, 6: 4, 7: 3, 9: 2, 11: 2}
    for column, n in n_values.items():
        x[..., column] = torch.randint(0, n, size, generator=generator(column)).double()
    x[..., [4, 11]] += 0.999 * torch.rand(*size, 2, generator=generator(5), dtype=torch.float64)
    x[..., [2, 10]] = x[..., [2, 10]].square().round()
    x[..., 12] = x[..., 12].round()
    x[torch.rand(x.shape, generator=generator(4)) < share_missing] = torch.nan
    return x


def other_value(x, column):
    """The rows with other values in one column."""
    changed = x.clone()
    n_values = {1: 5, 4: 6, 6: 4, 7: 3, 9: 2, 11: 2}.get(column, 9)
    changed[..., column] = (x[..., column].nan_to_num(nan=0.0).floor().abs() + 1) % n_values
    return changed


def heads_by_column(joint, parameters):
    """What the decoder supplies to each column, side by side. Shape: D times (S, B, ?)."""
    columns = [[] for _ in range(joint.n_columns)]
    for block, heads in zip(joint, parameters, strict=True):
        for name, head in block.heads.items():
            if head.per == "cell":
                for column, part in zip(block.index, torch.split(heads[name], block.shares(name), dim=-1), strict=True):
                    columns[column].append(part)
    return [torch.cat(parts, dim=-1) for parts in columns]


def owners(decoder, joint):
    """Column of each output."""
    blocks = list(joint)
    return [
        column
        for b, name, _ in decoder.cell_heads
        for column, n in zip(blocks[b].index, blocks[b].shares(name), strict=True)
        for _ in range(n)
    ]


# -- the equation --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("column", range(D))
def test_a_column_is_seen_by_later_columns_only(column, linear, build):
    decoder, joint = build(linear=linear)
    x, z = rows(), latent(7)
    before = heads_by_column(joint, decoder(z, x))
    for changed in (other_value(x, column), x.clone().index_fill(2, torch.tensor(column), torch.nan)):
        after = heads_by_column(joint, decoder(z, changed))
        is_changed = ~((x == changed) | (x.isnan() & changed.isnan()))[0, :, column]
        assert is_changed.any()
        for d in range(D):
            moved = (after[d] - before[d])[0].abs().amax(dim=-1)
            if d <= column:
                assert moved.max() < 1e-12
            else:
                assert (moved[is_changed] > 1e-6).all()
                assert (moved[~is_changed] == 0).all()


@pytest.mark.parametrize("component", range(K))
def test_every_column_sees_every_component(component, build):
    decoder, joint = build()
    x, z = rows(), latent(7)
    moved = z.clone()
    moved[..., component] += 1.0
    before, after = (heads_by_column(joint, decoder(where, x)) for where in (z, moved))
    assert all((one != other).all() for one, other in zip(before, after, strict=True))


def test_untrained_columns_are_independent(build):
    (decoder, joint), z = build(std=0.0), latent(7)
    one, other = (heads_by_column(joint, decoder(z, x)) for x in (rows(), other_value(rows(), 0)))
    for d in range(D):
        torch.testing.assert_close(one[d], other[d])
    assert any((heads != 0).any() for heads in one)


def test_heads_are_those_of_the_equation(build):
    decoder, joint = build()
    x, z = rows(n_rows=3), latent(3)
    table = decoder.context.levels.table()[0]
    codes = decoder.context.levels.codes(x)[0]
    U, outputs, rank = decoder.smoothing(decoder.U)[0], decoder.outputs(z)[0], decoder.b.shape[-1]
    gate, owner = (z[0] @ decoder.G[0]).view(3, D, rank), torch.tensor(owners(decoder, joint))
    expected = [[] for _ in range(3)]
    for row in range(3):
        context = torch.zeros(2 * rank, dtype=torch.float64)
        for d in range(D):
            direct = (context[:rank] + decoder.b[0, 0, d]) * (1 + gate[row, d])
            deep = decoder.deep((context[rank:] + decoder.b_deep[0, 0, d] + z[0, row] @ decoder.A[0])[None, None])[0, 0]
            mine = owner == d
            expected[row].append(outputs[row, mine] + U[mine] @ torch.cat([direct, deep]))
            cell = x[0, row, d]
            if d in decoder.context.number_index:
                n = decoder.context.number_index.index(d)
                family = next(block.family for block in joint if d in block.index)
                gap, slope = decoder.context.gap_vectors[0, n], decoder.context.slopes[0, n]
                context = context + (gap if cell.isnan() else family.features(cell[None]) * slope)
            else:
                context = context + table[codes[row, decoder.context.levels.index.index(d)]]
    heads = heads_by_column(joint, decoder(z, x))
    for d in range(D):
        torch.testing.assert_close(heads[d][0], torch.stack([expected[row][d] for row in range(3)]))


# -- all at once and one after another -----------------------------------------------------------------------


def weighed(decoder, joint, z, x, seed=6):
    """The completed rows, and the log-probability of their observed cells as told on the way."""
    told = []
    filled = decoder.complete(joint, z, x, generator(seed), lambda log_prob: told.append(log_prob))
    return filled, told


@pytest.mark.parametrize("kind", [AutoregressiveDecoder, Decoder])
@pytest.mark.parametrize("share_missing", [0.0, 0.3, 0.9])
def test_weights_on_the_way_are_the_log_probability_of_the_observed_cells(share_missing, kind, build):
    decoder, joint = build(kind=kind)
    x, z = rows(40, share_missing=share_missing), latent(40)
    filled, told = weighed(decoder, joint, z, x)
    assert len(told) == (1 if kind is Decoder else D)
    torch.testing.assert_close(sum(told), joint.log_prob(x, decoder(z, filled))[0])
    if share_missing == 0.0:
        torch.testing.assert_close(sum(told), joint.log_prob(x, decoder(z, x))[0])


@pytest.mark.parametrize("kind", [AutoregressiveDecoder, Decoder])
@pytest.mark.parametrize("drawn", [True, False])
def test_observed_cells_are_kept_and_gaps_are_filled(drawn, kind, build):
    decoder, joint = build(kind=kind)
    x = rows(40, share_missing=0.4)
    before = x.clone()
    filled = decoder.complete(joint, latent(40), x, generator() if drawn else None)
    assert torch.equal(x.nan_to_num(nan=-9.0), before.nan_to_num(nan=-9.0))  # the argument is not written to
    assert torch.equal(filled[~x.isnan()], x[~x.isnan()])
    assert filled.isfinite().all()
    for block in joint:
        if drawn and not block.family.is_whole:  # those are rounded by the table
            assert block.family.is_valid(filled[..., block.position]).all()


@pytest.mark.parametrize("kind", [AutoregressiveDecoder, Decoder])
def test_without_a_generator_a_gap_is_expected_given_the_cells_before(kind, build):
    decoder, joint = build(kind=kind)
    x, z = rows(9, share_missing=0.4), latent(9)
    filled = decoder.complete(joint, z, x, None)
    expected = joint.mean(decoder(z, filled))
    torch.testing.assert_close(filled[x.isnan()], expected[x.isnan()])


def test_rows_that_go_on_take_all_they_know_with_them(build):
    decoder, joint = build()
    x, z = rows(6, share_missing=0.5), latent(6)
    ancestors, told = torch.arange(6), []

    def weigh(log_prob):
        nonlocal ancestors
        told.append(log_prob)
        if len(told) not in (3, 6):
            return None
        chosen = torch.tensor([5, 5, 0, 3, 1, 0])
        ancestors = ancestors[chosen]
        told[:] = [each[chosen] for each in told]
        return chosen

    filled = decoder.complete(joint, z, x, generator(), weigh)
    observed = x[:, ancestors]
    assert len(set(ancestors.tolist())) < 6
    assert torch.equal(filled[~observed.isnan()], observed[~observed.isnan()])
    torch.testing.assert_close(sum(told), joint.log_prob(observed, decoder(z[:, ancestors], filled))[0])


def test_a_family_alone_in_its_row(build):
    for part in MIXED:
        family, index, n_levels = part
        decoder, joint = build(
            [(family, [1, 0][: len(index)] if len(index) == 2 else [0], n_levels)], linear=family.is_linear
        )
        nothing = torch.full((1, 5, len(index)), torch.nan, dtype=torch.float64)
        filled, told = weighed(decoder, joint, latent(5), nothing)
        assert told == []  # there is nothing to weigh
        filled, told = weighed(decoder, joint, latent(5), filled)
        torch.testing.assert_close(sum(told), joint.log_prob(filled, decoder(latent(5), filled))[0])


# -- a table whose rows can be listed ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_probabilities_of_all_rows_sum_to_one(seed, build):
    decoder, joint = build(TINY, linear=False, std=TINY_STD)
    z = latent(1, seed=seed).expand(1, len(TINY_ROWS), K)
    p = joint.log_prob(TINY_ROWS[None], decoder(z, TINY_ROWS[None]))[0].exp()
    assert p.sum().item() == pytest.approx(1.0, rel=1e-12)
    assert p.max() < 0.7
    pairs = torch.stack([p[(TINY_ROWS[:, :2] == row[:2]).all(dim=1)].sum() for row in TINY_ROWS])
    margins = [torch.stack([p[TINY_ROWS[:, d] == row[d]].sum() for row in TINY_ROWS]) for d in (0, 1)]
    assert not torch.allclose(margins[0] * margins[1], pairs, rtol=0.01)  # columns do depend on one another


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_columns_follow_the_order_of_the_row_whatever_that_of_the_blocks(order, build):
    parts = [[(Categorical(), [2, 0], [3, 2]), (Bernoulli(), [1], [0]), (Ordinal(), [3], [3])][i] for i in order]
    decoder, joint = build(parts, linear=False, std=TINY_STD)
    z = latent(1).expand(1, len(TINY_ROWS), K)
    log_p = joint.log_prob(TINY_ROWS[None], decoder(z, TINY_ROWS[None]))[0]
    assert log_p.exp().sum().item() == pytest.approx(1.0, rel=1e-12)
    _, told = weighed(decoder, joint, z, TINY_ROWS[None])
    torch.testing.assert_close(sum(told), log_p)
    for d, column in enumerate(told):  # what is told of column d depends on columns up to d only
        _, group = TINY_ROWS[:, : d + 1].unique(dim=0, return_inverse=True)
        assert all(column[group == g].std(correction=0) < 1e-12 for g in range(int(group.max()) + 1))


@pytest.mark.parametrize("known", [{}, {0: 1.0}, {1: 0.0, 3: 2.0}, {0: 1.0, 1: 1.0, 2: 2.0}], ids=str)
def test_draws_have_the_probabilities_of_the_model(known, build):
    """Given z; of later columns that are known, a draw takes no notice: that is for its weight."""
    decoder, joint = build(TINY, linear=False, std=TINY_STD)
    z = latent(1)
    at_rows = z.expand(1, len(TINY_ROWS), K)
    told = weighed(decoder, joint, at_rows, TINY_ROWS[None])[1]
    is_possible = torch.stack([TINY_ROWS[:, d] == value for d, value in known.items()]).all(dim=0) if known else ...
    p = sum(told[d] for d in range(4) if d not in known).exp()[is_possible].numpy()
    assert p.sum() == pytest.approx(1.0, rel=1e-9)
    x = torch.full((1, N_DRAWS, 4), torch.nan, dtype=torch.float64)
    for d, value in known.items():
        x[..., d] = value
    draws = decoder.complete(joint, z.expand(1, N_DRAWS, K), x, generator())[0].floor()
    counts = (draws[:, None] == TINY_ROWS[is_possible]).all(dim=2).sum(dim=0).numpy()
    assert counts.sum() == N_DRAWS
    usual = N_DRAWS * p > 5
    assert stats.chisquare(counts[usual], p[usual] / p[usual].sum() * counts[usual].sum()).pvalue > P_MIN
    assert counts[~usual].sum() < N_DRAWS * p[~usual].sum() + 5 * np.sqrt(N_DRAWS * p[~usual].sum() + 1)


# -- indicators ----------------------------------------------------------------------------------------------

INDICATED = [(Categorical(), [0, 1, 3], [2, 2, 3]), (Gaussian("column"), [2, 4], [0, 0])]
INDICATORS = {2: 0, 3: 1}  # column 2 has a gap where column 0 is 1


@pytest.mark.parametrize("kind", [AutoregressiveDecoder, Decoder])
def test_where_an_indicator_is_drawn_there_is_a_gap(kind, build):
    decoder, joint = build(INDICATED, INDICATORS, kind=kind)
    vae = SimpleVAE(joint, decoder)
    x = vae.generate(latent(500), generator(), gaps=True)
    for column, indicator in INDICATORS.items():
        assert torch.equal(x[..., column].isnan(), x[..., indicator] >= 1)
        assert 20 < x[..., column].isnan().sum() < 480
    assert x[..., [0, 1, 4]].isfinite().all()
    whole = vae.generate(latent(500), generator(), gaps=False)
    assert whole.isfinite().all()
    assert (whole[..., [0, 1]] == 0).all()


class SimpleVAE(VAE):
    """Without an encoder."""

    def __init__(self, joint, decoder):
        nn.Module.__init__(self)
        self.joint, self.decoder, self.prior = joint, decoder, StandardNormal(K)


def test_later_columns_see_the_gap_that_an_indicator_made(build):
    decoder, joint = build(INDICATED, INDICATORS)
    z = latent(50)
    x = SimpleVAE(joint, decoder).generate(z, generator(), gaps=True)
    filled, told = weighed(decoder, joint, z, x)
    assert torch.equal(filled.isnan(), x.isnan())
    torch.testing.assert_close(sum(told), joint.log_prob(x, decoder(z, x))[0])
    expected = SimpleVAE(joint, decoder).generate(z, None, gaps=True)
    mean = joint.mean(decoder(z, expected))
    torch.testing.assert_close(expected[..., 4], mean[..., 4])


@pytest.mark.parametrize("kind", [AutoregressiveDecoder, Decoder])
def test_a_known_indicator_decides(kind, build):
    decoder, joint = build(INDICATED, INDICATORS, kind=kind)
    x = torch.full((1, 40, 5), torch.nan, dtype=torch.float64)
    x[:, :20, 0], x[:, 20:, 0], x[..., 1] = 1.0, 0.0, 0.0
    filled = decoder.complete(joint, latent(40), x, generator())
    assert filled[:, :20, 2].isnan().all()
    assert filled[:, 20:, 2].isfinite().all()
    assert filled[..., 3].isfinite().all()


# -- calibration ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", [1, 2, 4, 6, 7, 9, 11])
def test_a_shift_moves_the_heads_of_its_column_alone(column, build):
    decoder, joint = build()
    x, z = rows(), latent(7)
    before = heads_by_column(joint, decoder(z, x))
    shift = torch.arange(before[column].shape[-1], dtype=torch.float64) - 0.5
    decoder.shift_column(column, shift)
    after = heads_by_column(joint, decoder(z, x))
    for d in range(D):
        torch.testing.assert_close(after[d], before[d] + shift if d == column else before[d])


def test_heads_that_are_tuned_on_the_way_are_those_of_the_draws(build):
    decoder, joint = build(TINY, linear=False, std=TINY_STD)
    asked = []

    def tune(j, block, x, heads):
        asked.append((j, type(block.family), x.isnan().all(dim=1)[0].tolist()))
        return {name: 0 * value + 50 * (torch.arange(value.shape[-1]) == 1) for name, value in heads.items()}

    nothing = torch.full((1, 20, 4), torch.nan, dtype=torch.float64)
    filled = decoder.complete(joint, latent(20), nothing, generator(), tune=tune)
    assert [j for j, _, _ in asked] == [0, 1, 2, 3]
    assert [family for _, family, _ in asked] == [Categorical, Bernoulli, Categorical, Ordinal]
    assert [gaps for _, _, gaps in asked] == [[d >= j for d in range(4)] for j in range(4)]  # the rows so far
    assert (filled[..., [0, 2]].floor() == 1).all()


# -- stacks and outputs --------------------------------------------------------------------------------------


def test_models_of_a_stack_equal_models_alone(build):
    decoder, joint = build()
    restack(decoder, [0, 0, 0])
    for parameter in decoder.parameters():
        parameter.data.normal_(std=0.4, generator=generator(7))
    x, z = rows(n_models=3, share_missing=0.0), latent(7, n_models=3)
    log_prob = joint.log_prob(x, decoder(z, x))
    for s in range(3):
        alone = copy.deepcopy(decoder)
        restack(alone, [s])
        torch.testing.assert_close(joint.log_prob(x[[s]], alone(z[[s]], x[[s]])), log_prob[[s]])
        torch.testing.assert_close(sum(weighed(alone, joint, z[[s]], x[[s]])[1]), log_prob[s])


def test_gradients_are_finite_with_gaps_and_reach_every_weight(build):
    decoder, joint = build()
    decoder.requires_grad_(True)
    x = rows(30)
    x[:, 0] = torch.nan
    joint.log_prob(x, decoder(latent(30), x)).sum().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert (parameter.grad != 0).any(), name


def test_rows_of_numbers_alone_and_of_levels_alone(build):
    numbers, _ = build([(Gaussian(), [0, 1], [0, 0])])
    assert numbers.context.table() is None
    assert numbers(latent(4), torch.zeros(1, 4, 2).double())[0]["loc"].shape == (1, 4, 2)
    levels, _ = build([(Categorical(), [0, 1], [2, 3])], linear=False)
    assert levels(latent(4), torch.zeros(1, 4, 2).double())[0]["logits"].shape == (1, 4, 5)
    assert look_up(levels.context.table(), torch.zeros(1, 4, 2).long()).shape[:3] == (1, 4, 2)


def test_the_generator_decides_the_weights_and_the_global_one_stays(build):
    before = torch.get_rng_state()
    first, second = (build(std=0.0)[0].state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), before)


def test_without_rows_an_autoregressive_decoder_is_our_mistake(build):
    with pytest.raises(AssertionError, match="columns see earlier columns"):
        build()[0](latent(3))
