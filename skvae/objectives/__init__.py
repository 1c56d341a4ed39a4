"""What is maximised and reported: pure tensor functions, larger is better, nats per row."""

from skvae.objectives.elbo import Bound, elbo, mean_log_likelihood
from skvae.objectives.importance import doubly_reparameterized, importance_weighted_bound
from skvae.objectives.kl import kl_to_standard_normal
from skvae.objectives.latent_model import LatentModel, Shown
from skvae.objectives.posterior import DiagonalNormal
from skvae.objectives.quadrature import normal_nodes

__all__ = [
    "Bound",
    "DiagonalNormal",
    "LatentModel",
    "Shown",
    "doubly_reparameterized",
    "elbo",
    "importance_weighted_bound",
    "kl_to_standard_normal",
    "mean_log_likelihood",
    "normal_nodes",
]
