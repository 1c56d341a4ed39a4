"""The variational autoencoder as a scikit-learn transformer."""

from skvae.estimators import VAEImputer, VAEOutlierDetector, VAESearchCV, VAETransformer

__version__ = "0.1.0"

__all__ = ["VAEImputer", "VAEOutlierDetector", "VAESearchCV", "VAETransformer", "__version__"]
