"""p(x | z): one file per family of columns."""

from skvae.likelihoods.base import Columns, Head, Likelihood, LocationFamily
from skvae.likelihoods.bernoulli import Bernoulli
from skvae.likelihoods.categorical import Categorical
from skvae.likelihoods.discretized_logistic import DiscretizedLogistic
from skvae.likelihoods.gamma import Gamma
from skvae.likelihoods.gaussian import Gaussian
from skvae.likelihoods.histogram import Histogram
from skvae.likelihoods.joint import Block, Joint, Parameters, columns_of
from skvae.likelihoods.location_scale import LocationScale
from skvae.likelihoods.negative_binomial import NegativeBinomial
from skvae.likelihoods.normal_scores import NormalScores
from skvae.likelihoods.ordinal import Ordinal
from skvae.likelihoods.poisson import Poisson
from skvae.likelihoods.ruler import N_POINTS, N_POINTS_OF_COPIES, Ruler
from skvae.likelihoods.score_mixture import ScoreMixture
from skvae.likelihoods.student_t import StudentT

FAMILIES: dict[str, type[Likelihood]] = {
    family.name: family
    for family in (
        Gaussian,
        StudentT,
        DiscretizedLogistic,
        Gamma,
        Poisson,
        NegativeBinomial,
        Bernoulli,
        Categorical,
        Ordinal,
        Histogram,
        NormalScores,
    )
}
"""Families by the name that ``likelihood=`` takes."""

__all__ = [
    "FAMILIES",
    "N_POINTS",
    "N_POINTS_OF_COPIES",
    "Bernoulli",
    "Block",
    "Categorical",
    "Columns",
    "DiscretizedLogistic",
    "Gamma",
    "Gaussian",
    "Head",
    "Histogram",
    "Joint",
    "Likelihood",
    "LocationFamily",
    "LocationScale",
    "NegativeBinomial",
    "NormalScores",
    "Ordinal",
    "Parameters",
    "Poisson",
    "Ruler",
    "ScoreMixture",
    "StudentT",
    "columns_of",
]
