"""Small fits without a table, which the tests of this room share."""

import copy
from functools import partial

import torch
from torch import nn

from skvae.likelihoods import Block, Columns, Gaussian, Joint
from skvae.networks import MLP, VAE, Decoder, Encoder, Replicas, restack
from skvae.priors import StandardNormal
from skvae.training import Candidate, Objective, Recipe, Split, Training
from skvae.training.judge import Judge
from skvae.training.noise import Noise

N, D, K = 48, 4, 2


def users_network(n_in, n_out):
    generator = torch.Generator().manual_seed(5)
    network = nn.Sequential(nn.Linear(n_in, 6), nn.Tanh(), nn.Linear(6, n_out))
    for parameter in network.parameters():
        parameter.data.normal_(std=0.3, generator=generator)
    return network


def make_rows(seed=0, n_rows=N):
    """A curve with noise: a line explains some of it, a network more."""
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n_rows, 1, generator=generator, dtype=torch.float64)
    noise = 0.1 * torch.randn(n_rows, D, generator=generator, dtype=torch.float64)
    return torch.cat([z, z.square() - 1, (2 * z).sin(), -z], dim=1) + noise


def build(n_models=1, kind="mlp", family=None, random_weights=True):
    generator = torch.Generator().manual_seed(0)
    zeros, ones = torch.zeros(D, dtype=torch.long), torch.ones(D, dtype=torch.float64)
    family = family or Gaussian("column")
    joint = Joint([Block(family, list(range(D)), Columns(ones, zeros, -ones, ones))])

    def mlp(n_in, n_out):
        return MLP(n_in, n_out, (8,), "silu", 0.0, generator)

    trunk, linear = (mlp if kind == "mlp" else partial(Replicas, users_network)), isinstance(family, Gaussian)
    encoder = Encoder(joint, K, trunk, gaps=[False] * D, linear=linear, generator=generator)
    decoder = Decoder(joint, K, trunk, linear=linear, generator=generator)
    vae = VAE(joint, StandardNormal(K), encoder, decoder).double()
    restack(vae, [0] * n_models)
    if random_weights:
        for parameter in vae.parameters():
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return vae


def fit(vae, x, split, *, seed=0, report=None, after_epoch=None, weights=None, offset=0.0, objective=None, **recipe):
    recipe = {"learning_rate": 1e-2, "weight_decay": 1e-2, "batch_size": 16, "max_iter": 6} | recipe
    candidate = Candidate(Recipe(**recipe), objective or Objective(), vae.encoder.n_components, offset)
    options = {"seed": seed, "weights": weights, "report": report, "after_epoch": after_epoch}
    Training(vae, x, split, [candidate], **options).run()
    return candidate.history


def make_judge(vae, x, objective):
    candidates = [Candidate(Recipe(1e-2, 1e-2, 16, 6), objective, K)]
    return Judge(vae, x, None, halves(), Noise(0, x.device), candidates), candidates


def parts_of(n_models, n_rows=N):
    """Equal numbers of rows for each model."""
    return Split(list(torch.arange(n_rows).chunk(n_models)), [])


def alone(vae, s):
    vae = copy.deepcopy(vae)
    restack(vae, [s])
    return vae


def assert_equal_weights(one, other, rtol=1e-9, atol=1e-11):
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=rtol, atol=atol)


def whole(n_rows=N):
    return Split([torch.arange(n_rows)], [])


def halves():
    return Split([torch.arange(0, N, 2)], [torch.arange(1, N, 2)])


def candidates_of(objectives, n_components, **recipe):
    recipe = {"learning_rate": 1e-2, "weight_decay": 1e-2, "batch_size": 16, "max_iter": 6} | recipe
    return [Candidate(Recipe(**recipe), objective, k) for objective, k in zip(objectives, n_components, strict=True)]
