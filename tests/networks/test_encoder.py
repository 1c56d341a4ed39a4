import math
from functools import partial

import pytest
import torch
from torch import nn

from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Poisson
from skvae.networks import MLP, Encoder, Replicas

K, D = 3, 6
NUMBERS = (Gaussian("column"), [0, 3], [0, 0])
CATEGORIES = (Categorical(), [1, 4], [3, 2])
COUNTS = (Poisson(), [2], [0])
BITS = (Bernoulli(), [5], [0])
TABLES = {
    "mixed": [NUMBERS, CATEGORIES, COUNTS, BITS],
    "categories first": [CATEGORIES, BITS, COUNTS, NUMBERS],
}


@pytest.fixture
def build(joint_of):
    def build(parts=TABLES["mixed"], *, linear=True, gaps=(True,) * D, random_weights=True, trunk=None):
        generator = torch.Generator().manual_seed(0)

        def mlp(n_in, n_out):
            return MLP(n_in, n_out, (8,), "silu", 0.0, generator)

        encoder = Encoder(joint_of(parts), K, trunk or mlp, gaps=gaps, linear=linear, generator=generator).double()
        if random_weights:
            for parameter in encoder.parameters():
                parameter.data.normal_(generator=generator)
        return encoder

    return build


def rows(n_rows=11, share_missing=0.3):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, n_rows, D, generator=generator, dtype=torch.float64)
    x[..., 1] = torch.randint(0, 3, (1, n_rows), generator=generator).double()
    x[..., [4, 5]] = torch.randint(0, 2, (1, n_rows, 2), generator=generator).double()
    x[..., 2] = x[..., 2].abs().round()
    x[torch.rand(x.shape, generator=generator) < share_missing] = torch.nan
    return x


@pytest.mark.parametrize("linear", [True, False])
def test_the_features_of_a_row_and_its_linear_cells_give_its_posterior(linear, build):
    encoder, x = build(linear=linear), rows(share_missing=0.0)
    pseudo_input = encoder.features(x)
    if linear:
        pseudo_input = torch.cat([pseudo_input, x[..., [0, 3]]], dim=-1)
    assert pseudo_input.shape[-1] == encoder.n_features
    q, expected = encoder.from_features(pseudo_input), encoder(x)
    torch.testing.assert_close((q.loc, q.scale), (expected.loc, expected.scale))


@pytest.mark.parametrize("parts", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("random_weights", [True, False])
def test_a_row_of_gaps_has_the_posterior_that_the_prior_implies(parts, linear, random_weights, build):
    x = rows()
    x[:, [2, 5]] = torch.nan
    q = build(parts, linear=linear, random_weights=random_weights)(x)
    assert (q.loc[:, [2, 5]] == 0).all()
    assert (q.scale[:, [2, 5]] == 1).all()
    assert (q.loc[:, [0, 1, 3, 4]] != 0).all()


@pytest.mark.parametrize("parts", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("share_missing", [0.0, 0.3])
def test_noise_moves_numbers_wherever_they_are_seen_and_neither_categories_nor_gaps(
    parts, linear, share_missing, build
):
    encoder, x = build(parts, linear=linear), rows(share_missing=share_missing)
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(2), dtype=x.dtype)
    numbers = [d for block in encoder.numbers for d in block.index]
    gap = x[..., numbers].isnan()
    shift = encoder.features(x, noise) - encoder.features(x)
    torch.testing.assert_close(shift[..., : len(numbers)], noise[..., numbers].masked_fill(gap, 0.0))
    assert (shift[..., len(numbers) :] == 0).all()
    on_linear = noise.clone()
    on_linear[..., [1, 2, 4, 5]] = torch.nan  # neither path may use the noise of a column that it does not see
    on_numbers = noise.clone()
    on_numbers[..., [1, 4]] = torch.nan
    assert torch.equal(encoder(x, on_numbers).loc, encoder(x, noise).loc)
    if linear:
        q = encoder._together(encoder.features(x, noise), x[..., [0, 3]] + on_linear[..., [0, 3]])
        observed = ~x.isnan().all(dim=-1)
        torch.testing.assert_close(encoder(x, noise).loc[observed], q.loc[observed])


@pytest.mark.parametrize("parts", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("linear", [True, False])
def test_gaps_give_finite_posteriors_and_gradients(parts, linear, build):
    encoder, x = build(parts, linear=linear), rows()
    x[:, 0] = torch.nan
    q = encoder(x)
    assert q.loc.shape == q.scale.shape == (1, 11, K)
    (q.loc.square().sum() + q.scale.log().sum()).backward()
    assert q.loc.isfinite().all()
    assert (q.scale > 0).all()
    assert all(p.grad.isfinite().all() for p in encoder.parameters())
    assert all((p.grad != 0).any() for p in encoder.parameters())


@pytest.mark.parametrize("linear", [True, False])
def test_a_row_has_the_same_posterior_alone_and_in_any_order(linear, build):
    encoder, x = build(linear=linear), rows()
    q, order = encoder(x), torch.randperm(11, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(encoder(x[:, order]).loc, q.loc[:, order])
    torch.testing.assert_close(encoder(x[:, 4:5]).scale, q.scale[:, 4:5])


@pytest.mark.parametrize("column", range(D))
@pytest.mark.parametrize("random_weights", [True, False])
def test_every_column_is_seen(column, random_weights, build):
    encoder, x = build(random_weights=random_weights), rows(share_missing=0.0)
    other = x.clone()
    other[..., column] = 1 - other[..., column] if column in (4, 5) else (other[..., column] + 1) % 3
    assert (encoder(x).loc != encoder(other).loc).all()


@pytest.mark.parametrize("column", range(D))
def test_a_gap_is_told_from_every_value(column, build):
    encoder, x = build(), rows(share_missing=0.0)
    hidden = x.clone()
    hidden[..., column] = torch.nan
    for value in (0.0, 1.0):
        x[..., column] = value
        assert (encoder(x).loc != encoder(hidden).loc).all()


def test_the_network_is_told_of_gaps_where_the_table_had_some(build):
    x = rows()
    for gaps in [(False,) * D, (True,) * D, (True, True, False, False, False, True)]:
        n_told = sum(gap for gap, column in zip(gaps, range(D), strict=True) if column not in (1, 4))
        features = build(gaps=gaps).features(x)
        assert features.shape[-1] == 4 + n_told + 5  # numbers, gaps, embedding
        assert features.isfinite().all()


def test_a_missing_category_adds_nothing_before_training(build):
    encoder = build([(Categorical(), [0, 1], [3, 2])], linear=False, gaps=(True, True), random_weights=False)
    x = torch.tensor([[[torch.nan, torch.nan], [1.0, torch.nan], [torch.nan, 0.0], [1.0, 0.0]]], dtype=torch.float64)
    features = encoder.features(x)[0]
    assert (features[0] == 0).all()
    torch.testing.assert_close(features[1] + features[2], features[3])


def test_codes_of_different_columns_do_not_meet(build):
    encoder = build([(Categorical(), [0, 1], [3, 2])], linear=False, gaps=(True, True))
    codes = [0.0, 1.0, 2.0, torch.nan]
    pairs = torch.tensor([[a, b] for a in codes for b in (0.0, 1.0, torch.nan)], dtype=torch.float64)
    features = encoder.features(pairs[None])[0]
    distances = torch.cdist(features, features) + torch.eye(len(pairs))
    assert distances.min() > 1e-3


def test_numbers_are_centred_and_bounded_on_their_way_into_the_network(build):
    encoder = build([(Gaussian(), [0, 1], [0, 0])], gaps=(False, False))
    encoder.center.copy_(torch.tensor([0.5, -1.0]))
    x = torch.tensor([[[0.5, -1.0], [1e9, -1e9], [torch.nan, torch.nan]]], dtype=torch.float64)
    features = encoder.features(x)[0]
    assert features.abs().max() < 6.5
    assert features[0].abs().max() < 0.02  # the bound bends small numbers by less
    assert (features[2] == 0).all()  # a gap is at the centre


def test_standard_deviations_stay_in_reach_of_exp(build):
    encoder = build(linear=False)
    encoder.network[-1].bias.data[..., K:] = torch.tensor([-1e4, 0.0, 1e4], dtype=torch.float64)
    encoder.network[-1].weight.data.zero_()
    scale = encoder(rows(share_missing=0.0)).scale
    torch.testing.assert_close(scale[0, 0], torch.tensor([-6.0, 0.0, 3.0], dtype=torch.float64).exp())


def test_a_silent_network_leaves_a_posterior_with_more_precision_than_the_prior(build):
    encoder, x = build([(Gaussian(), list(range(D)), [0] * D)], random_weights=False), rows(share_missing=0.0)
    encoder.network.silence()
    q = encoder(x)
    assert (q.scale < 1).all()
    hidden = x.clone()
    hidden[..., :3] = torch.nan
    assert (encoder(hidden).scale < 1).all()
    assert (encoder(hidden).scale > q.scale).all()  # fewer cells, less precision


def test_a_users_network_of_the_wrong_shape_gets_a_sentence(build):
    encoder = build(trunk=partial(Replicas, lambda n_in, n_out: nn.Linear(n_in, 2)))
    with pytest.raises(
        ValueError, match=r"must map \(rows, 13\) to \(rows, 6\), but its module returned shape \(11, 2\)"
    ):
        encoder(rows().float().double())


def test_the_generator_decides_the_weights_and_the_global_one_stays(build):
    before = torch.get_rng_state()
    first, second = (build(random_weights=False).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), before)
    assert math.isfinite(sum(value.double().sum().item() for value in first.values()))
