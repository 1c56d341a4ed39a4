"""The modules: they own the weights, and know neither data sets nor optimisers."""

from skvae.networks.autoregressive import AutoregressiveDecoder
from skvae.networks.chain import Chain
from skvae.networks.conditional import Completions, complete
from skvae.networks.decoder import Decoder
from skvae.networks.encoder import Encoder, Trunk
from skvae.networks.mlp import ACTIVATIONS, MLP, Linear
from skvae.networks.nesting import Level, Nested, Tables
from skvae.networks.outputs import Outputs
from skvae.networks.reader import Reader
from skvae.networks.relative import RelativeLogits
from skvae.networks.stack import Replicas, parameters_by_model, restack, state_of_models
from skvae.networks.vae import VAE, alone, join, narrow, take_models
from skvae.objectives import DiagonalNormal

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "VAE",
    "AutoregressiveDecoder",
    "Chain",
    "Completions",
    "Decoder",
    "DiagonalNormal",
    "Encoder",
    "Level",
    "Linear",
    "Nested",
    "Outputs",
    "Reader",
    "RelativeLogits",
    "Replicas",
    "Tables",
    "Trunk",
    "alone",
    "complete",
    "join",
    "narrow",
    "parameters_by_model",
    "restack",
    "state_of_models",
    "take_models",
]
