"""The modules: they own the weights, and know neither data sets nor optimisers."""

from skvae.networks.autoregressive import AutoregressiveDecoder
from skvae.networks.conditional import Completions, complete
from skvae.networks.decoder import Decoder
from skvae.networks.encoder import Encoder, Trunk
from skvae.networks.mlp import ACTIVATIONS, MLP, Linear
from skvae.networks.posterior import DiagonalNormal
from skvae.networks.stack import Replicas, parameters_by_model, restack
from skvae.networks.vae import VAE

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "VAE",
    "AutoregressiveDecoder",
    "Completions",
    "Decoder",
    "DiagonalNormal",
    "Encoder",
    "Linear",
    "Replicas",
    "Trunk",
    "complete",
    "parameters_by_model",
    "restack",
]
