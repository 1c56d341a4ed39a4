import copy
from functools import partial

import pytest
import torch
from torch import nn

from skvae.likelihoods import Bernoulli, Categorical, Gaussian, Histogram, Ordinal, Poisson, StudentT
from skvae.networks import (
    MLP,
    VAE,
    AutoregressiveDecoder,
    Decoder,
    Encoder,
    Linear,
    Replicas,
    parameters_by_model,
    restack,
)
from skvae.priors import StandardNormal

K = 2
PARTS = [
    (Gaussian("column"), [0, 3], [0, 0]),
    (StudentT(), [6], [0]),
    (Categorical(), [1, 5], [3, 2]),
    (Poisson(), [2], [0]),
    (Bernoulli(), [4], [0]),
    (Histogram(), [7], [6]),
    (Ordinal(), [8], [4]),
]
D = 9


def users_network(n_in, n_out):
    return nn.Sequential(nn.Linear(n_in, 6), nn.Tanh(), nn.Linear(6, n_out))


@pytest.fixture
def build(joint_of):
    def build(kind):
        generator, joint = torch.Generator().manual_seed(0), joint_of(PARTS)

        def mlp(n_in, n_out):
            return MLP(n_in, n_out, (6,), "silu", 0.0, generator)

        trunk = partial(Replicas, users_network) if kind == "replicas" else mlp
        linear = kind != "without a linear path"
        encoder = Encoder(joint, K, trunk, gaps=[True] * D, linear=linear, generator=generator)
        if kind == "autoregressive":
            decoder = AutoregressiveDecoder(joint, K, mlp, mlp, linear=linear, generator=generator)
        else:
            decoder = Decoder(joint, K, trunk, linear=linear, generator=generator)
        return VAE(joint, StandardNormal(K), encoder, decoder).double()

    return build


@pytest.fixture
def stack_of(build):
    """Models that differ in every weight."""

    def stack_of(n_models, kind):
        vae = build(kind)
        restack(vae, [0] * n_models)
        generator = torch.Generator().manual_seed(1)
        for parameter in vae.parameters():
            parameter.data.normal_(std=0.5, generator=generator)
        return vae

    return stack_of


def alone(vae, s):
    vae = copy.deepcopy(vae)
    restack(vae, [s])
    return vae


def rows(n_models, n_rows=9):
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(n_models, n_rows, D, generator=generator, dtype=torch.float64)
    x[..., 1] = torch.randint(0, 3, (n_models, n_rows), generator=generator).double()
    x[..., [4, 5]] = torch.randint(0, 2, (n_models, n_rows, 2), generator=generator).double()
    x[..., 2] = x[..., 2].abs().round()
    x[..., 7] = 6 * torch.rand((n_models, n_rows), generator=generator, dtype=torch.float64)
    x[..., 8] = torch.randint(0, 4, (n_models, n_rows), generator=generator).double()
    x[torch.rand(x.shape, generator=generator) < 0.2] = torch.nan
    return x


KINDS = ["mlp", "replicas", "without a linear path", "autoregressive"]


@pytest.mark.parametrize("kind", KINDS)
def test_models_in_one_stack_equal_models_alone(kind, stack_of):
    vae, x = stack_of(3, kind), rows(3)
    z = torch.randn(3, 9, K, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    q, heads, log_likelihood = vae.posterior(x), vae.decode(z, x), vae.log_likelihood(z, x)
    for s in range(3):
        model, part = alone(vae, s), slice(s, s + 1)
        torch.testing.assert_close(tuple(model.posterior(x[part]))[:2], (q.loc[part], q.scale[part]))
        torch.testing.assert_close(model.log_likelihood(z[part], x[part]), log_likelihood[part])
        for block, block_alone in zip(heads, model.decode(z[part], x[part]), strict=True):
            torch.testing.assert_close(block_alone, {name: value[part] for name, value in block.items()})


@pytest.mark.parametrize("kind", KINDS)
def test_the_gradient_of_the_sum_is_each_models_own(kind, stack_of):
    vae, x = stack_of(3, kind), rows(3)

    def backward(model, x):
        q = model.posterior(x)
        (model.log_likelihood(q.loc + 0.3 * q.scale, x).sum() - model.prior.kl(q, q.loc).sum()).backward()

    models = [alone(vae, s) for s in range(3)]
    for s, model in enumerate(models):
        backward(model, x[[s]])
    backward(vae, x)
    for parameter in vae.parameters():
        parameter.data = parameter.grad.clone()  # gradients travel with restack as weights do
    for s, model in enumerate(models):
        for parameter, gradient in zip(model.parameters(), alone(vae, s).parameters(), strict=True):
            torch.testing.assert_close(parameter.grad, gradient.data)


@pytest.mark.parametrize("kind", KINDS)
def test_restack_selects_and_repeats(kind, stack_of):
    vae, x = stack_of(3, kind), rows(1)
    chosen = copy.deepcopy(vae)
    restack(chosen, [2, 0, 2, 2])
    q = chosen.posterior(x.expand(4, -1, -1))
    for position, s in enumerate([2, 0, 2, 2]):
        torch.testing.assert_close(q.loc[position], alone(vae, s).posterior(x).loc[0])


@pytest.mark.parametrize("kind", KINDS)
def test_restack_copies(kind, build):
    vae = build(kind)
    x = rows(1)
    before = vae.posterior(x).loc.detach().clone()
    restack(vae, [0, 0])
    for model, parameter in parameters_by_model(vae):
        if model is None:
            parameter.data[1] += 1.0
        elif model == 1:
            parameter.data += 1.0
    q = vae.posterior(x.expand(2, -1, -1))
    torch.testing.assert_close(q.loc[:1], before)
    assert not torch.allclose(q.loc[1:], before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_models", [1, 3])
def test_parameters_by_model_names_each_parameter_once(kind, n_models, stack_of):
    vae = stack_of(n_models, kind)
    named = list(parameters_by_model(vae))
    assert sorted(id(p) for _, p in named) == sorted(id(p) for p in vae.parameters())
    assert all(len(p) == n_models for model, p in named if model is None)
    counts = [sum(p.numel() for model, p in named if model == s) for s in range(n_models)]
    assert len(set(counts)) == 1
    assert (counts[0] > 0) == (kind == "replicas")


def test_replicas_apply_each_copy_to_its_rows():
    module = Replicas(nn.Linear, 4, 3)
    restack(module, [0, 0])
    module.replicas[1].weight.data *= 2
    x = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    y = module(x)
    torch.testing.assert_close(y[0], module.replicas[0](x[0]))
    torch.testing.assert_close(y[1], module.replicas[1](x[1]))


def test_silent_replicas_say_nothing_but_can_learn():
    module = Replicas(users_network, 4, 3)
    module.silence()
    y = module(torch.ones(1, 5, 4))
    assert (y == 0).all()
    (y - 1).square().sum().backward()
    assert (module.gain.grad != 0).any()


@pytest.mark.parametrize(
    ("factory", "shape"),
    [
        (lambda n_in, n_out: nn.Linear(n_in, n_out + 1), r"\(5, 4\)"),
        (lambda n_in, n_out: nn.Sequential(nn.Linear(n_in, n_out), nn.Flatten(0)), r"\(15,\)"),
    ],
)
def test_a_network_of_the_wrong_shape_gets_a_sentence(factory, shape):
    module = Replicas(factory, 4, 3)
    sentence = rf"must map \(rows, 4\) to \(rows, 3\), but its module returned shape {shape} for 5 rows"
    with pytest.raises(ValueError, match=sentence):
        module(torch.ones(1, 5, 4))


def test_what_is_no_module_gets_a_sentence():
    with pytest.raises(TypeError, match=r"takes \(n_in, n_out\) and returns a torch.nn.Module, but it returned int"):
        Replicas(lambda n_in, n_out: 3, 4, 3)


def test_restack_reaches_the_weights_of_nested_modules():
    module = nn.ModuleDict({"a": nn.Sequential(Linear(2, 3, torch.Generator()))})
    restack(module, [0] * 4)
    assert module["a"][0].weight.shape == (4, 2, 3)
    assert module["a"][0].bias.shape == (4, 1, 3)
