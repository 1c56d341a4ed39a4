"""Looking into fitted models: pictures, as scikit-learn's Display classes, and a report on the latent space."""

from skvae.inspection.activity import ComponentActivityDisplay
from skvae.inspection.factors import Factors, rotated_factors
from skvae.inspection.latent_size import LatentSizeDisplay
from skvae.inspection.latent_space import LatentSpaceDisplay
from skvae.inspection.loadings import LoadingsDisplay
from skvae.inspection.manifold import ManifoldDisplay
from skvae.inspection.reconstruction import ReconstructionDisplay
from skvae.inspection.report import latent_report
from skvae.inspection.synthetic import AssociationsDisplay, MarginalsDisplay
from skvae.inspection.training_curves import TrainingDisplay

__all__ = [
    "AssociationsDisplay",
    "ComponentActivityDisplay",
    "Factors",
    "LatentSizeDisplay",
    "LatentSpaceDisplay",
    "LoadingsDisplay",
    "ManifoldDisplay",
    "MarginalsDisplay",
    "ReconstructionDisplay",
    "TrainingDisplay",
    "latent_report",
    "rotated_factors",
]
