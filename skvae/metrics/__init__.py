"""How good a synthetic table is: DataFrames in, numbers out."""

from skvae.metrics.association import associations
from skvae.metrics.attacks import (
    Audit,
    Guesses,
    Membership,
    audit,
    classifier_attack,
    density_attack,
    distance_attack,
    inference,
    likelihood_attack,
    linkability,
    singling_out,
)
from skvae.metrics.detection import two_sample_auc, two_sample_score
from skvae.metrics.fidelity import column_shapes, mean_trend, pair_trends
from skvae.metrics.leaks import is_leak
from skvae.metrics.privacy import distance_to_closest_record, exact_copies
from skvae.metrics.report import Report, report
from skvae.metrics.rules import rules_held
from skvae.metrics.utility import downstream_score

__all__ = [
    "Audit",
    "Guesses",
    "Membership",
    "Report",
    "associations",
    "audit",
    "classifier_attack",
    "column_shapes",
    "density_attack",
    "distance_attack",
    "distance_to_closest_record",
    "downstream_score",
    "exact_copies",
    "inference",
    "is_leak",
    "likelihood_attack",
    "linkability",
    "mean_trend",
    "pair_trends",
    "report",
    "rules_held",
    "singling_out",
    "two_sample_auc",
    "two_sample_score",
]
