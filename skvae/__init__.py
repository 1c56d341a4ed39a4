"""The variational autoencoder as a scikit-learn transformer."""

from skvae.estimators import VAETransformer

__version__ = "0.1.0"

__all__ = ["VAETransformer", "__version__"]
