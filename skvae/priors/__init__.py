"""p(z): what the latent space looks like."""

from skvae.priors.aggregate import mixture_of_posteriors
from skvae.priors.base import Prior, PriorFamily
from skvae.priors.flow import Flow, RealNVP
from skvae.priors.laplace import Laplace, SparseCode
from skvae.priors.mixture import DiagonalMixture, FreeMixture, Mixture
from skvae.priors.normal import Normal, StandardNormal
from skvae.priors.refit import fit_prior
from skvae.priors.vamp import MixtureOfPosteriors, VampPrior

PRIORS: dict[str, type[PriorFamily]] = {
    "normal": Normal,
    "laplace": Laplace,
    "mixture": Mixture,
    "vamp": VampPrior,
    "flow": Flow,
}
"""Families by the name that ``prior=`` takes."""

__all__ = [
    "PRIORS",
    "DiagonalMixture",
    "Flow",
    "FreeMixture",
    "Laplace",
    "Mixture",
    "MixtureOfPosteriors",
    "Normal",
    "Prior",
    "PriorFamily",
    "RealNVP",
    "SparseCode",
    "StandardNormal",
    "VampPrior",
    "fit_prior",
    "mixture_of_posteriors",
]
