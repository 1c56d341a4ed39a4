"""The variational autoencoder as a scikit-learn transformer."""

from skvae.estimators import VAESearchCV, VAETransformer

__version__ = "0.1.0"

__all__ = ["VAESearchCV", "VAETransformer", "__version__"]
