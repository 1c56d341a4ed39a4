"""How good a synthetic table is: DataFrames in, numbers out."""

from skvae.metrics.association import associations
from skvae.metrics.detection import two_sample_auc, two_sample_score
from skvae.metrics.fidelity import column_shapes, mean_trend, pair_trends
from skvae.metrics.privacy import distance_to_closest_record, exact_copies
from skvae.metrics.report import Report, report
from skvae.metrics.rules import rules_held
from skvae.metrics.utility import downstream_score

__all__ = [
    "Report",
    "associations",
    "column_shapes",
    "distance_to_closest_record",
    "downstream_score",
    "exact_copies",
    "mean_trend",
    "pair_trends",
    "report",
    "rules_held",
    "two_sample_auc",
    "two_sample_score",
]
