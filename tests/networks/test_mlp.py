import math

import pytest
import torch
from torch import nn

from skvae.networks import ACTIVATIONS, MLP, Linear, restack

TWINS = {"silu": nn.SiLU, "gelu": nn.GELU, "relu": nn.ReLU, "tanh": nn.Tanh, "logistic": nn.Sigmoid}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def torch_linear(layer):
    """torch.nn.Linear with the weights of a stack of one."""
    n_in, n_out = layer.weight.shape[1:]
    twin = nn.Linear(n_in, n_out)
    twin.weight.data, twin.bias.data = layer.weight.data[0].T.clone(), layer.bias.data[0, 0].clone()
    return twin


def test_linear_is_torchs():
    layer, x = Linear(4, 3, generator()), torch.randn(1, 7, 4, generator=generator(1))
    layer.bias.data.normal_(generator=generator(2))
    torch.testing.assert_close(layer(x)[0], torch_linear(layer)(x[0]))


@pytest.mark.parametrize("sizes", [(), (5,), (6, 4)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_mlp_is_torchs_sequential(activation, sizes):
    mlp, x = MLP(4, 3, sizes, activation, 0.0, generator()), torch.randn(1, 7, 4, generator=generator(1))
    layers = [layer for layer in mlp if isinstance(layer, Linear)]
    assert [tuple(layer.weight.shape[1:]) for layer in layers] == list(zip((4, *sizes), (*sizes, 3), strict=True))
    twin = nn.Sequential(*[part for layer in layers for part in (torch_linear(layer), TWINS[activation]())][:-1])
    torch.testing.assert_close(mlp(x)[0], twin(x[0]))


def test_initial_weights_are_uniform_in_torchs_bounds():
    weight = Linear(25, 4000, generator()).weight
    assert weight.abs().max() <= 1 / math.sqrt(25)
    assert weight.var().item() == pytest.approx(1 / 25 / 3, rel=0.02)


def test_the_generator_decides_the_weights_and_the_global_one_stays():
    before = torch.get_rng_state()
    first, again, other = (MLP(4, 3, (5,), "silu", 0.0, generator(seed)) for seed in (0, 0, 1))
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_acts_in_training_only():
    mlp, x = MLP(4, 3, (50,), "relu", 0.5, generator()), torch.randn(1, 7, 4, generator=generator(1))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert not torch.equal(mlp.train()(x), mlp(x))
    assert torch.equal(mlp.eval()(x), mlp(x))
    assert not [layer for layer in MLP(4, 3, (50,), "relu", 0.0, generator()) if isinstance(layer, nn.Dropout)]


@pytest.mark.parametrize("sizes", [(), (5,), (6, 4)])
def test_a_silent_network_says_nothing_but_can_learn(sizes):
    mlp, x = MLP(4, 3, sizes, "silu", 0.0, generator()), torch.randn(1, 7, 4, generator=generator(1))
    mlp.silence()
    y = mlp(x)
    assert (y == 0).all()
    (y - 1).square().sum().backward()
    assert (mlp[-1].weight.grad != 0).any()


@pytest.mark.parametrize("sizes", [(), (7,), (12, 8, 30)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_perceptron_carries_a_linear_map(activation, sizes):
    mlp, x = (
        MLP(6, 4, sizes, activation, 0.0, generator()).double(),
        torch.randn(2, 50, 6, generator=generator(1)).double(),
    )
    restack(mlp, [0, 0])
    weight, bias = torch.randn(3, 4, generator=generator(2)).double(), torch.randn(4, generator=generator(3)).double()
    before = mlp(x)
    mlp.carry(1, slice(2, 5), weight, bias)
    assert torch.equal(mlp(x)[0], before[0])
    is_exact = activation in ("silu", "gelu", "relu") or not sizes
    x = x if is_exact else 0.02 * x  # others are straight near 0
    torch.testing.assert_close(mlp(x)[1], x[1, :, 2:5] @ weight + bias, rtol=1e-9, atol=1e-9 if is_exact else 1e-3)
    assert mlp.room == {(): 6, (7,): 3, (12, 8, 30): 4}[sizes]


def test_what_is_carried_may_bend():
    mlp, x = MLP(3, 2, (8,), "silu", 0.0, generator()), torch.randn(1, 20, 3, generator=generator(1))
    mlp.carry(0, slice(0, 2), torch.eye(2))
    mlp(x).square().sum().backward()
    assert all((layer.weight.grad != 0).any() for layer in mlp if isinstance(layer, Linear))
