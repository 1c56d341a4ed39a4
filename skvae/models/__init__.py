"""A fit from A to Z: what "auto" means, the fit itself, and what the fitted model says of rows."""

from skvae.models.architecture import BESIDE, Architecture, Beside, Network
from skvae.models.beside import Trained
from skvae.models.choices import decide
from skvae.models.chunk import fit_chunk, warn_of_few
from skvae.models.complaints import complaints_of
from skvae.models.data import Data
from skvae.models.draws import Draws
from skvae.models.kl import ACTIVE
from skvae.models.loadings import Loadings
from skvae.models.matching import match_prior
from skvae.models.model import Model, index_of
from skvae.models.nested import cut
from skvae.models.online import Online
from skvae.models.outcome import Fit
from skvae.models.pace import n_folds
from skvae.models.plan import Parameters, Plan
from skvae.models.run import Follower, Keeper, Run, seed_of
from skvae.models.stack import STACKED, fit_together, is_stackable
from skvae.models.whole import Archive, fit

__all__ = [
    "ACTIVE",
    "BESIDE",
    "STACKED",
    "Architecture",
    "Archive",
    "Beside",
    "Data",
    "Draws",
    "Fit",
    "Follower",
    "Keeper",
    "Loadings",
    "Model",
    "Network",
    "Online",
    "Parameters",
    "Plan",
    "Run",
    "Trained",
    "complaints_of",
    "cut",
    "decide",
    "fit",
    "fit_chunk",
    "fit_together",
    "index_of",
    "is_stackable",
    "match_prior",
    "n_folds",
    "seed_of",
    "warn_of_few",
]
