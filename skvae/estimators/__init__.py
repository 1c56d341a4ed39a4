"""The scikit-learn shells."""

from skvae.estimators.transformer import VAETransformer

__all__ = ["VAETransformer"]
