"""Small priors of every family with random weights, in stacks."""

import pytest
import torch
from torch import nn

from skvae.networks import MLP, DiagonalNormal, restack
from skvae.priors import Flow, Laplace, Mixture, Normal, VampPrior

SMALL = {"normal": Normal(), "laplace": Laplace(), "mixture": Mixture(4), "vamp": VampPrior(4), "flow": Flow(3, 6)}


class Recognition(nn.Module):
    """What a prior may ask of an encoder."""

    n_features = 3

    def __init__(self, n_components, generator):
        super().__init__()
        self.network = MLP(self.n_features, 2 * n_components, (5,), "tanh", 0.0, generator)

    def from_features(self, features):
        loc, log_scale = self.network(features).chunk(2, dim=-1)
        return DiagonalNormal(2 * loc, (log_scale - 0.5).exp())


@pytest.fixture
def build():
    """Makes a stack of models that differ in every weight, with an encoder and a prior, as a VAE has them."""

    def make(name, n_components=2, n_models=1, *, trained=True, family=None):
        generator = torch.Generator().manual_seed(0)
        encoder = Recognition(n_components, generator)
        prior = (family or SMALL[name]).build(n_components, encoder, generator)
        vae = nn.ModuleDict({"encoder": encoder, "prior": prior}).double()
        restack(vae, [0] * n_models)
        for parameter in vae.parameters() if trained else ():
            parameter.data += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        return vae

    return make
