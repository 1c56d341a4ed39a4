"""The scikit-learn shells."""

from skvae.estimators.imputer import VAEImputer
from skvae.estimators.outlier import VAEOutlierDetector
from skvae.estimators.search import VAESearchCV
from skvae.estimators.transformer import VAETransformer

__all__ = ["VAEImputer", "VAEOutlierDetector", "VAESearchCV", "VAETransformer"]
