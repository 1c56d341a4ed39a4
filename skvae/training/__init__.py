"""How weights are found."""

from skvae.training.calibration import match_marginals
from skvae.training.candidate import Candidate
from skvae.training.device import (
    global_rng_states,
    intraop_threads,
    isolated_rng,
    resolve_device,
    resolve_precision,
    set_global_rng_states,
    settings_of_its_own,
)
from skvae.training.history import History
from skvae.training.indicators import can_begin
from skvae.training.initialization import initialize, start_at_marginals
from skvae.training.interrupts import ends_the_fit_alone
from skvae.training.judge import Judge
from skvae.training.loop import Training
from skvae.training.noise import Noise
from skvae.training.objective import Aim, LogLikelihood, NestedObjective, Objective
from skvae.training.optimizer import rearranged_memory
from skvae.training.processes import agree_on, is_first
from skvae.training.recipe import Recipe
from skvae.training.references import choose_references
from skvae.training.regression import start_at_regressions
from skvae.training.rows import RowsInMemory, StreamedRows
from skvae.training.schedules import (
    WARMUP,
    BetaSchedule,
    CyclicalBeta,
    LinearBeta,
    annealed,
    annealed_anew,
    open_ended,
)
from skvae.training.split import N_FOLDS, Split, split_rows
from skvae.training.trainee import Trainee

__all__ = [
    "N_FOLDS",
    "WARMUP",
    "Aim",
    "BetaSchedule",
    "Candidate",
    "CyclicalBeta",
    "History",
    "Judge",
    "LinearBeta",
    "LogLikelihood",
    "NestedObjective",
    "Noise",
    "Objective",
    "Recipe",
    "RowsInMemory",
    "Split",
    "StreamedRows",
    "Trainee",
    "Training",
    "agree_on",
    "annealed",
    "annealed_anew",
    "can_begin",
    "choose_references",
    "ends_the_fit_alone",
    "global_rng_states",
    "initialize",
    "intraop_threads",
    "is_first",
    "isolated_rng",
    "match_marginals",
    "open_ended",
    "rearranged_memory",
    "resolve_device",
    "resolve_precision",
    "set_global_rng_states",
    "settings_of_its_own",
    "split_rows",
    "start_at_marginals",
    "start_at_regressions",
]
