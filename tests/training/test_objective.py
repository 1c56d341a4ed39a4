import pytest
import torch

from skvae.objectives import elbo, importance_weighted_bound
from skvae.training import LinearBeta, LogLikelihood, Objective, Split
from skvae.training.objective import objective_by_model
from tests.training.fits import (
    K,
    N,
    alone,
    assert_equal_weights,
    build,
    fit,
    halves,
    make_rows,
    parts_of,
    whole,
)


def test_free_bits_beyond_all_kl_are_no_kl_at_all():
    x, free, without = make_rows(), build(), build()
    fit(free, x, whole(), objective=Objective(free_bits=1e9))
    fit(without, x, whole(), objective=Objective(beta=LinearBeta(0.0, end=0.0)))
    assert_equal_weights(free, without)


def test_a_large_beta_empties_the_latent_space():
    x = make_rows()
    kl = [
        fit(build(), x, whole(), objective=Objective(beta=LinearBeta(b, end=0.0)), max_iter=60).as_dict()["kl"][-1]
        for b in (0.1, 1, 50)
    ]
    assert kl[0] > kl[1] > kl[2]
    assert kl[2] < 0.1


def test_what_a_row_of_weight_zero_holds_does_not_matter():
    x, one, other = make_rows(), build(), build()
    weights = torch.ones(N, dtype=torch.float64)
    weights[[3, 7, 20]] = 0.0
    changed = x.clone()
    changed[[3, 7, 20]] += 5.0
    fit(one, x, halves(), weights=weights)
    fit(other, changed, halves(), weights=weights)
    assert_equal_weights(one, other)


def test_weights_have_no_unit():
    x, one, other = make_rows(), build(), build()
    weights = torch.rand(N, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.1
    fit(one, x, whole(), weights=weights)
    fit(other, x, whole(), weights=1000 * weights)
    assert_equal_weights(one, other)


def test_more_draws_are_the_same_objective():
    x = make_rows()
    elbos = [
        fit(build(), x, halves(), objective=Objective(n_draws=n), max_iter=20).as_dict()["validation_elbo"]
        for n in (1, 8)
    ]
    assert elbos[0][0] == pytest.approx(elbos[1][0], rel=1e-12)
    assert max(elbos[1]) == pytest.approx(max(elbos[0]), abs=1.0)


def log_evidence(vae, x, n_draws=200):
    noise = torch.randn((n_draws, 1, 1, K), generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    with torch.no_grad():
        return importance_weighted_bound(vae, x[None], noise).mean().item()


def test_importance_weights_raise_the_evidence_above_that_of_the_elbo():
    x = make_rows(n_rows=200)
    models = {name: build() for name in ("elbo", "iwae")}
    for name, vae in models.items():
        fit(vae, x, whole(200), objective=Objective(name, n_draws=5), batch_size=50, max_iter=60)
    assert log_evidence(models["iwae"], x) > log_evidence(models["elbo"], x)


def test_a_stack_trains_by_importance_weights_as_its_models_do_alone():
    vae, x, split = build(2), make_rows(), parts_of(2)
    models = [alone(vae, s) for s in range(2)]
    fit(vae, x, split, objective=Objective("iwae", n_draws=3))
    for s, model in enumerate(models):
        fit(model, x, Split([split.train[s]], []), objective=Objective("iwae", n_draws=3))
        assert_equal_weights(alone(vae, s), model, rtol=1e-6, atol=1e-8)


# -- one step, by hand ----------------------------------------------------------------------------------------


def value_of(objective, weights=None, progress=1.0, n_models=2):
    """What a step of some rows maximises, and the terms of the ELBO."""
    vae, x = build(n_models), make_rows(n_rows=6).expand(n_models, -1, -1)
    noise = torch.randn(3, 1, 6, K, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return objective.step(vae, x, noise, seen=None, weights=weights, progress=progress)


def test_the_value_is_the_mean_likelihood_less_beta_times_the_mean_kl():
    value, bound = value_of(Objective(beta=LinearBeta(0.7, end=0.0)))
    expected = bound.log_likelihood.mean(dim=1) - 0.7 * bound.kl.sum(dim=2).mean(dim=1)
    torch.testing.assert_close(value, expected)


def test_beta_follows_its_schedule():
    schedule = LinearBeta(2.0, end=0.5)
    for progress, beta in ((0.0, 0.0), (0.25, 1.0), (0.9, 2.0)):
        value, bound = value_of(Objective(beta=schedule), progress=progress)
        torch.testing.assert_close(value, bound.log_likelihood.mean(dim=1) - beta * bound.kl.sum(dim=2).mean(dim=1))


def test_each_component_is_free_up_to_lambda_on_average_over_the_rows():
    _, bound = value_of(Objective())
    mean_kl = bound.kl.mean(dim=1)
    free = mean_kl.mean().item()  # above it for some components, below for others
    value, _ = value_of(Objective(free_bits=free))
    assert (mean_kl > free).any() and (mean_kl < free).any()
    torch.testing.assert_close(value, bound.log_likelihood.mean(dim=1) - mean_kl.clamp(min=free).sum(dim=1))


@pytest.mark.parametrize("name", ["elbo", "iwae"])
def test_a_weight_multiplies_its_row(name):
    weights = torch.tensor([0.0, 1.0, 2.0, 0.5, 1.5, 1.0], dtype=torch.float64).expand(2, -1)
    ones, unit = torch.eye(6, dtype=torch.float64), torch.ones(2, 1, dtype=torch.float64)
    by_row = torch.stack([value_of(Objective(name), weights=unit * one)[0] for one in ones], dim=1)
    value, _ = value_of(Objective(name), weights=weights)
    torch.testing.assert_close(value, (weights * by_row).sum(dim=1))


def test_models_of_one_stack_may_have_an_objective_each():
    each = [Objective(beta=LinearBeta(0.5, end=0.0), free_bits=0.1), Objective(beta=LinearBeta(2.0, end=1.0))]
    together = objective_by_model(each, 2, torch.device("cpu"))
    values = value_of(together, progress=0.5, n_models=4)[0]
    for c, objective in enumerate(each):
        alone, _ = value_of(objective, progress=0.5, n_models=4)
        torch.testing.assert_close(values[2 * c : 2 * c + 2], alone[2 * c : 2 * c + 2], rtol=1e-6, atol=1e-6)
    assert objective_by_model([each[0], each[0]], 2, torch.device("cpu")) is each[0]
    assert together.beta.end == 1.0


def test_held_out_rows_are_judged_at_the_final_beta_without_free_bits():
    vae, x = build(), make_rows(n_rows=6)[None]
    noise = torch.randn(4, 1, 6, K, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    bound = elbo(vae, x, noise)
    objective = Objective(beta=LinearBeta(3.0, end=0.9), free_bits=5.0)
    at_one, by_row = objective.judged(vae, x, noise)
    torch.testing.assert_close(at_one.elbo, bound.elbo)
    torch.testing.assert_close(by_row, bound.log_likelihood - 3.0 * bound.kl.sum(dim=-1))
    _, by_importance = Objective("iwae").judged(vae, x, noise)
    torch.testing.assert_close(by_importance, importance_weighted_bound(vae, x, noise))


def test_the_objective_is_the_elbo_unless_said_otherwise():
    objective = Objective()
    assert (objective.beta, objective.n_draws) == (LinearBeta(1.0, end=0.0), 1)
    assert (objective.free_bits, objective.input_dropout, objective.input_noise) == (0.0, 0.0, 0.0)
    assert not objective.has_free_bits
    assert not objective.has_input_noise


# -- without latent variables ---------------------------------------------------------------------------------


class Told:
    """A model whose objective is known: the first cell of a row, and the first number of its noise."""

    def objective(self, x, noise):
        return x[..., 0] + 10 * noise[..., 0]


def test_without_latent_variables_the_mean_objective_of_the_rows_is_maximised():
    x, noise = torch.tensor([[[1.0], [3.0]], [[5.0], [7.0]]]), torch.tensor([[[[0.0], [1.0]]]])
    value, bound = LogLikelihood().step(Told(), x, noise, seen=None, weights=None, progress=0.0)
    assert value.tolist() == [7.0, 11.0]
    assert bound.elbo.tolist() == [[1.0, 13.0], [5.0, 17.0]]
    weights = torch.tensor([[1.0, 0.0], [0.5, 1.0]])
    value, weighted = LogLikelihood().step(Told(), x, noise, seen=None, weights=weights, progress=0.0)
    assert value.tolist() == [0.5, 9.75]
    assert torch.equal(weighted.elbo, bound.elbo)  # of each row, whatever its weight


def test_without_latent_variables_judges_take_the_mean_over_their_noise():
    x, noise = torch.tensor([[[1.0], [3.0]]]), torch.tensor([1.0, -1.0, 3.0, -1.0]).view(4, 1, 1, 1).expand(4, 1, 2, 1)
    bound, by_row = LogLikelihood().judged(Told(), x, noise)
    assert by_row.tolist() == bound.elbo.tolist() == [[6.0, 8.0]]
    assert bound.kl.shape == (1, 2, 0)


def test_an_objective_without_latent_variables_is_alone():
    assert objective_by_model([LogLikelihood()], 6, torch.device("cpu")) == LogLikelihood()
