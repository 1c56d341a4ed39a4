"""The scikit-learn shells."""

from skvae.estimators.search import VAESearchCV
from skvae.estimators.transformer import VAETransformer

__all__ = ["VAESearchCV", "VAETransformer"]
