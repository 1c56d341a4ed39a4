import pytest
import torch

from skvae.priors import Flow, StandardNormal


def rows(n_models, n_components, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_models, 6, n_components, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("n_components", [1, 2, 5, 8])
def test_the_two_directions_are_inverse(build, n_components):
    prior, z = build("flow", n_components, n_models=2)["prior"], rows(2, n_components)
    u, _ = prior.normalize(z)
    assert not torch.allclose(u.sort(dim=-1).values, z.sort(dim=-1).values)
    torch.testing.assert_close(prior.generate(u), z)
    torch.testing.assert_close(prior.normalize(prior.generate(z))[0], z)


@pytest.mark.parametrize("n_components", [1, 2, 5, 8])
def test_log_determinant_is_that_of_the_jacobian(build, n_components):
    prior, z = build("flow", n_components)["prior"], rows(1, n_components)
    _, log_det = prior.normalize(z)
    for row, value in zip(z[0], log_det[0], strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda row: prior.normalize(row[None, None])[0][0, 0], row)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, value)


@pytest.mark.parametrize("n_layers", [1, 4])
@pytest.mark.parametrize("n_components", [1, 5])
def test_training_starts_at_the_standard_normal(build, n_components, n_layers):
    prior = build("flow", n_components, trained=False, family=Flow(n_layers, 4))["prior"]
    z = rows(1, n_components)
    torch.testing.assert_close(prior.log_prob(z), StandardNormal(n_components).log_prob(z))


def test_every_component_is_bent(build):
    prior, z = build("flow", 5, family=Flow(2, 4))["prior"], rows(1, 5)
    u, _ = prior.normalize(z)  # two reversals: the order of z
    assert ((u - z).abs() > 1e-3).any(dim=1).all()
