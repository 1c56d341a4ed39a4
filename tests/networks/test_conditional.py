"""Gaps are drawn from the exact conditional distribution, where it is known."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import softmax

from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Ordinal
from skvae.networks import MLP, VAE, AutoregressiveDecoder, Decoder, Encoder, complete
from skvae.networks.conditional import DEPLETED, ParticleFilter, effective_sample_size
from skvae.priors import PRIORS, Normal

DECODERS = [Decoder, AutoregressiveDecoder]
TINY = [(Categorical(), [0, 2], [2, 3]), (Bernoulli(), [1], [0]), (Ordinal(), [3], [3])]
TINY_ROWS = torch.cartesian_prod(*[torch.arange(n, dtype=torch.float64) for n in (2, 2, 3, 3)])
P_MIN = 1e-4
GAP = math.nan


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def build(joint_of):
    def build(parts, n_components, kind, *, linear=False, indicators=None, std=0.3, prior=None):
        joint, weights = joint_of(parts, indicators), generator(1)

        def trunk(n_in, n_out):
            return MLP(n_in, n_out, (6,), "silu", 0.0, weights)

        n_columns = joint.n_columns
        encoder = Encoder(joint, n_components, trunk, gaps=[True] * n_columns, linear=linear, generator=weights)
        trunks = (trunk, trunk) if kind is AutoregressiveDecoder else (trunk,)
        decoder = kind(joint, n_components, *trunks, linear=linear, generator=weights)
        prior = prior or Normal()
        vae = VAE(joint, prior.build(n_components, encoder, weights), encoder, decoder).double().requires_grad_(False)
        for parameter in vae.parameters():
            parameter.normal_(std=std, generator=weights)
        vae.decoder.network[-1].weight *= 5  # z matters
        return vae

    return build


# -- weights -------------------------------------------------------------------------------------------------


def test_effective_sample_size_is_its_formula():
    log_weight = torch.randn(50, 30, generator=generator(), dtype=torch.float64) * 3
    w = log_weight.exp().numpy()
    assert_allclose(effective_sample_size(log_weight), w.sum(axis=1) ** 2 / (w**2).sum(axis=1))
    torch.testing.assert_close(effective_sample_size(log_weight - 5000), effective_sample_size(log_weight))


@pytest.mark.parametrize(
    ("log_weight", "expected"),
    [([0.0] * 8, 8.0), ([-1e4] * 8, 8.0), ([0.0, -1e4, -1e4], 1.0), ([0.0, 0.0, -1e4], 2.0), ([-math.inf, 3.0], 1.0)],
)
def test_effective_sample_size_of_equal_and_of_wholly_unequal_weights(log_weight, expected):
    assert effective_sample_size(torch.tensor([log_weight])).item() == pytest.approx(expected, rel=2e-3)


def test_systematic_resampling_is_unbiased_and_never_off_by_one():
    log_weight = torch.tensor([0.0, -1.0, 0.7, -4.0, 0.3], dtype=torch.float64).expand(20_000, 5)
    for n_draws in (1, 3, 8):
        chosen = ParticleFilter(log_weight, generator())._systematic(n_draws)
        counts = torch.stack([(chosen == particle).sum(dim=1) for particle in range(5)], dim=1).double().numpy()
        expected = n_draws * softmax(log_weight[0].numpy())
        assert (np.abs(counts - expected) < 1).all()
        deviation = counts.std(axis=0) / math.sqrt(len(counts))
        assert (np.abs(counts.mean(axis=0) - expected) < 4.5 * deviation + 1e-12).all()


def test_draws_are_particles_of_their_own_row_in_any_order():
    log_weight = torch.randn(3000, 4, generator=generator(), dtype=torch.float64)
    chosen = ParticleFilter(log_weight, generator(1)).draw(6)
    assert chosen.shape == (6, 3000)
    assert torch.equal(chosen // 4, torch.arange(3000).expand(6, -1))
    w = softmax(log_weight.numpy(), axis=1)
    for draw in chosen:  # each of them is a draw by the weights, and not only all of them together
        counts = np.bincount(draw % 4, minlength=4)
        assert_allclose(counts, w.sum(axis=0), atol=4.5 * np.sqrt((w * (1 - w)).sum(axis=0).max()))


def test_particles_go_on_by_their_weights_where_they_are_depleted():
    log_weight = torch.zeros(2, 1000, dtype=torch.float64)
    log_prob = torch.stack([torch.zeros(1000), torch.tensor([0.0, -3.0]).repeat(500)]).double()
    log_prob[1, :900] -= 20.0
    particles = ParticleFilter(log_weight, generator())
    chosen = particles.weigh(log_prob.flatten()).view(2, 1000)
    assert torch.equal(chosen[0], torch.arange(1000))  # of equal weights all go on
    counts = np.bincount(chosen[1] - 1000, minlength=1000)
    assert (counts[:900] == 0).all()
    expected = 1000 * softmax(log_prob[1].numpy())
    assert (np.abs(counts - expected) < 1).all()
    assert (particles.log_weight == 0).all()  # what was resampled starts anew
    w = np.exp(log_prob[1].numpy())
    assert_allclose(particles.effective, [1000.0, w.sum() ** 2 / (w**2).sum()])


def test_weights_add_up_until_they_are_depleted():
    particles = ParticleFilter(torch.zeros(1, 4, dtype=torch.float64), generator())
    steps = torch.tensor([[0.0, 0.1, 0.2, 0.3], [0.0, 0.2, 0.0, 0.1]], dtype=torch.float64)
    for step in steps:
        assert particles.weigh(step) is None
    torch.testing.assert_close(particles.log_weight, steps.sum(dim=0, keepdim=True))
    assert particles.effective.item() > DEPLETED * 4
    assert particles.weigh(torch.tensor([50.0, 0.0, 0.0, 0.0]).double()).tolist() == [0, 0, 0, 0]
    assert particles.effective.item() == pytest.approx(1.0)


# -- a table whose rows can be listed ------------------------------------------------------------------------


def conditional(vae, x):
    """Probability of each row of the tiny table given the observed cells, by a fine grid of z."""
    z = torch.linspace(-6, 6, 121, dtype=torch.float64)
    n_rows = len(TINY_ROWS)
    at = z.repeat_interleave(n_rows)[None, :, None]
    rows = TINY_ROWS.repeat(len(z), 1)[None]
    log_p = vae.log_likelihood(at, rows).view(len(z), n_rows) + vae.prior.log_prob(z[None, :, None])[0, :, None]
    joint = log_p.exp().sum(dim=0)
    is_possible = ((x == TINY_ROWS) | x.isnan()).all(dim=1)
    return (joint * is_possible / joint[is_possible].sum()).numpy()


CONDITIONS = [
    [GAP, GAP, GAP, GAP],
    [1.0, GAP, GAP, GAP],
    [GAP, GAP, GAP, 2.0],
    [GAP, 0.0, GAP, 0.0],
    [1.0, GAP, 2.0, GAP],
    [GAP, 1.0, 1.0, 2.0],
]


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_gaps_have_their_exact_conditional_distribution(condition, kind, build):
    """The posterior is a random network's, which importance weights must make up for."""
    vae, x = build(TINY, 1, kind), torch.tensor(condition, dtype=torch.float64)
    p = conditional(vae, x)
    assert p.max() < 0.95
    n_rows, n_particles = 1000, 30
    completed = complete(vae, x.expand(n_rows, -1), 1, n_particles, generator())
    assert completed.x.shape == (1, n_rows, 4)
    drawn = completed.x[0].floor()
    assert torch.equal(drawn[:, ~x.isnan()], x[~x.isnan()].expand(n_rows, -1))
    shares = (drawn[:, None] == TINY_ROWS).all(dim=2).double().mean(dim=0).numpy()
    assert shares.sum() == pytest.approx(1.0)
    assert (np.abs(shares - p) < 4.5 * np.sqrt(p * (1 - p) / n_rows) + p / n_particles + 1e-3).all()


@pytest.mark.parametrize("prior", sorted(set(PRIORS) - {"normal"}))
def test_gaps_have_their_exact_conditional_distribution_under_any_prior(prior, build):
    vae, x = build(TINY, 1, Decoder, prior=PRIORS[prior]()), torch.tensor([GAP, 0.0, GAP, 2.0], dtype=torch.float64)
    p = conditional(vae, x)
    drawn = complete(vae, x.expand(1000, -1), 1, 50, generator()).x[0].floor()
    shares = (drawn[:, None] == TINY_ROWS).all(dim=2).double().mean(dim=0).numpy()
    assert (np.abs(shares - p) < 4.5 * np.sqrt(p * (1 - p) / 1000) + p / 50 + 1e-3).all()


@pytest.mark.parametrize("kind", DECODERS)
def test_the_condition_matters(kind, build):
    """And so do later columns for earlier ones: ancestral sampling alone would not see them."""
    vae = build(TINY, 1, kind)
    free = conditional(vae, torch.full((4,), GAP))
    bound = conditional(vae, torch.tensor([GAP, GAP, GAP, 2.0]))
    margins = [[p[TINY_ROWS[:, 0] == a].sum() for a in (0, 1)] for p in (free, bound)]
    assert abs(margins[0][0] - margins[1][0]) > 0.02


@pytest.mark.parametrize("kind", DECODERS)
def test_many_draws_of_one_row_share_its_particles(kind, build):
    vae, x = build(TINY, 1, kind), torch.tensor([[1.0, GAP, 2.0, GAP]], dtype=torch.float64)
    p = conditional(vae, x[0])
    completed = complete(vae, x, 4000, 4000, generator())
    shares = (completed.x[:, 0].floor()[:, None] == TINY_ROWS).all(dim=2).double().mean(dim=0).numpy()
    n = min(completed.effective.item(), 4000)
    assert n > 400
    assert (np.abs(shares - p) < 4.5 * np.sqrt(p * (1 - p) / n) + 1e-3).all()


@pytest.mark.parametrize("kind", DECODERS)
def test_rows_with_different_gaps_are_completed_together(kind, build):
    vae = build(TINY, 1, kind)
    x = torch.tensor(CONDITIONS, dtype=torch.float64)
    completed = complete(vae, x.repeat_interleave(200, dim=0), 1, 30, generator()).x[0].floor().view(6, 200, 4)
    for condition, drawn in zip(x, completed, strict=True):
        p = conditional(vae, condition)
        shares = (drawn[:, None] == TINY_ROWS).all(dim=2).double().mean(dim=0).numpy()
        assert (np.abs(shares - p) < 4.5 * np.sqrt(p * (1 - p) / 200) + p / 30 + 5e-3).all()


@pytest.mark.parametrize("kind", DECODERS)
def test_an_indicator_that_is_known_leaves_no_gap(kind, build):
    vae = build([(Categorical(), [0, 1, 2], [2, 2, 3])], 1, kind, indicators={1: 0})
    nothing = torch.full((200, 3), GAP, dtype=torch.float64)
    drawn = complete(vae, nothing, 1, 20, generator()).x[0]
    assert torch.equal(drawn[:, 1].isnan(), drawn[:, 0] >= 1)
    assert 10 < drawn[:, 1].isnan().sum() < 190
    nothing[:, 0] = 0.0
    assert complete(vae, nothing, 1, 20, generator()).x.isfinite().all()


# -- a linear Gaussian model ---------------------------------------------------------------------------------

N_COLUMNS, NOISE = 6, 0.5
GAPS = [[0], [5], [1, 2], [0, 3, 4], [0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]


@pytest.fixture
def linear_gaussian(build):
    """x = b + W z + noise with a posterior that is far from exact, and the mean and covariance of x."""

    def linear_gaussian(kind):
        vae = build([(Gaussian("shared"), list(range(N_COLUMNS)), [0] * N_COLUMNS)], 2, kind, linear=True)
        vae.decoder.silence()
        vae.decoder.network[-1].bias.zero_()
        if kind is AutoregressiveDecoder:
            vae.decoder.U.zero_()  # no column sees another
        vae.decoder.loadings.normal_(generator=generator(5))
        vae.decoder.free["0/log_scale"].fill_(math.log(NOISE))
        W, b = vae.decoder.loadings[0].T.numpy(), vae.decoder.bias[0, 0].numpy()
        return vae, b, W @ W.T + NOISE**2 * np.eye(N_COLUMNS)

    return linear_gaussian


@pytest.mark.parametrize("kind", DECODERS)
@pytest.mark.parametrize("gaps", GAPS, ids=str)
def test_gaps_have_the_conditional_mean_and_covariance_of_the_normal_distribution(gaps, kind, linear_gaussian):
    vae, mean, covariance = linear_gaussian(kind)
    known = [d for d in range(N_COLUMNS) if d not in gaps]
    row = stats.multivariate_normal(mean, covariance).rvs(random_state=3)
    gain = covariance[np.ix_(gaps, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    expected = mean[gaps] + gain @ (row[known] - mean[known])
    spread = covariance[np.ix_(gaps, gaps)] - gain @ covariance[np.ix_(known, gaps)]
    x = torch.tensor(row)[None]
    x[0, gaps] = torch.nan
    completed = complete(vae, x, 20_000, 20_000, generator(7))
    draws, n = completed.x[:, 0].numpy(), completed.effective.item()
    assert n > 150
    assert_allclose(draws[:, known], np.tile(row[known], (20_000, 1)), rtol=0, atol=0)
    whitened = (draws[:, gaps] - expected) @ np.linalg.cholesky(np.linalg.inv(spread))
    assert_allclose(whitened.mean(axis=0), 0.0, atol=4.5 / math.sqrt(n))
    assert_allclose(np.cov(whitened.T).reshape(len(gaps), -1), np.eye(len(gaps)), atol=4.5 * math.sqrt(2 / n))


@pytest.mark.parametrize("kind", DECODERS)
def test_a_row_of_gaps_is_a_sample_and_all_its_particles_count(kind, linear_gaussian):
    vae, mean, covariance = linear_gaussian(kind)
    completed = complete(vae, torch.full((2, N_COLUMNS), GAP, dtype=torch.float64), 20_000, 20_000, generator())
    assert_allclose(completed.effective, 20_000.0)  # the posterior of nothing is the prior
    whitened = (completed.x[:, 1].numpy() - mean) @ np.linalg.cholesky(np.linalg.inv(covariance))
    assert_allclose(whitened.mean(axis=0), 0.0, atol=4.5 / math.sqrt(20_000))
    assert_allclose(np.cov(whitened.T), np.eye(N_COLUMNS), atol=4.5 * math.sqrt(2 / 20_000))


@pytest.mark.parametrize("kind", DECODERS)
def test_a_row_without_gaps_stays_as_it_is(kind, linear_gaussian):
    vae, mean, covariance = linear_gaussian(kind)
    x = torch.tensor(stats.multivariate_normal(mean, covariance).rvs(5, random_state=3))
    assert torch.equal(complete(vae, x, 3, 10, generator()).x, x.expand(3, -1, -1))


def test_a_better_posterior_counts_for_more(linear_gaussian):
    vae, mean, covariance = linear_gaussian(Decoder)
    x = torch.tensor(stats.multivariate_normal(mean, covariance).rvs(20, random_state=3))
    x[:, 0] = torch.nan
    poor = complete(vae, x, 1, 500, generator()).effective
    W = vae.decoder.loadings[0, :, 1:].T
    posterior = torch.linalg.inv(torch.eye(2) + W.T @ W / NOISE**2)
    loc = (x[:, 1:] - torch.tensor(mean)[1:]) @ W @ posterior / NOISE**2
    q = vae.posterior(x[None])._replace(loc=loc[None], scale=posterior.diagonal().sqrt().expand(1, 20, 2))
    vae.posterior = lambda x: q
    good = complete(vae, x, 1, 500, generator()).effective
    assert good.mean() > 2 * poor.mean()
    assert good.min() > 100  # half of the particles are the prior's, and correlations are not in q
    assert good.max() <= 500


# -- seeds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DECODERS)
def test_the_generator_decides_the_draws_and_the_global_one_stays(kind, build):
    vae, x = build(TINY, 1, kind), torch.tensor(CONDITIONS, dtype=torch.float64)
    before = torch.get_rng_state()
    one, same, other = (complete(vae, x, 5, 20, generator(seed)).x for seed in (3, 3, 4))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
    assert not one.requires_grad


@pytest.mark.parametrize("kind", DECODERS)
def test_no_row_is_no_draw(kind, build):
    completed = complete(build(TINY, 1, kind), torch.empty(0, 4, dtype=torch.float64), 5, 20, generator())
    assert completed.x.shape == (5, 0, 4)
    assert completed.effective.shape == (0,)


@pytest.mark.parametrize("kind", DECODERS)
def test_an_impossible_row_gives_draws_all_the_same(kind, linear_gaussian):
    vae, _, _ = linear_gaussian(kind)
    x = torch.tensor([[GAP, 1e6, -1e6, 1e6, 1e6, 1e6]], dtype=torch.float64)
    completed = complete(vae, x, 4, 20, generator())
    assert completed.x.isfinite().all()
    assert completed.effective.item() == pytest.approx(1.0, abs=0.1)
