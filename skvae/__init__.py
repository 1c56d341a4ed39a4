"""The variational autoencoder as a scikit-learn transformer."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skvae.estimators import VAEImputer, VAEOutlierDetector, VAESearchCV, VAETransformer

__version__ = "0.1.0"

__all__ = ["VAEImputer", "VAEOutlierDetector", "VAESearchCV", "VAETransformer", "__version__"]

if not TYPE_CHECKING:  # at run time they are imported when they are used (PEP 562): --help needs no torch

    def __getattr__(name):
        from importlib import import_module
        from importlib.util import find_spec

        if name in __all__:
            return getattr(import_module("skvae.estimators"), name)
        if not name.startswith("_") and find_spec(f"skvae.{name}") is not None:  # skvae.metrics, say
            return import_module(f"skvae.{name}")
        raise AttributeError(f"module 'skvae' has no attribute {name!r}")

    def __dir__():
        return sorted({*globals(), *__all__})
