"""Fitted models that the tests of pictures share, and figures that are closed afterwards."""

import pytest
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skvae import VAETransformer

TINY = {"hidden_layer_sizes": (8,), "max_iter": 2, "early_stopping": False, "device": "cpu", "random_state": 0}


@pytest.fixture(autouse=True)
def pyplot():
    """Matplotlib without a screen."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.fixture(scope="session")
def digits():
    """300 images of 8 x 8 pixels."""
    return load_digits().data[:300] / 16


@pytest.fixture(scope="session")
def of_digits(digits):
    """A model of the images."""
    return VAETransformer(3, **TINY).fit(digits)


@pytest.fixture(scope="session")
def of_mixed(large_mixed):
    """A model of a table with columns of every kind, whose pictures show z and what is made of it."""
    return VAETransformer(3, decoder="factorized", **TINY).fit(large_mixed)


@pytest.fixture(scope="session")
def of_iris(iris):
    """A pipeline with a step before the model, and units that the step changes."""
    return make_pipeline(StandardScaler(), VAETransformer(2, **TINY)).fit(1000 * iris + 5000)
