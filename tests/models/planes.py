"""Rows near a plane, a small model of them, and their parts: what tests of fits and streams share."""

import numpy as np

from skvae import VAETransformer


def near_a_plane():
    rng = np.random.default_rng(0)
    return rng.normal(size=(1200, 2)) @ rng.normal(size=(2, 5)) + 0.3 * rng.normal(size=(1200, 5))


def model(**options):
    return VAETransformer(2, hidden_layer_sizes=(16,), max_iter=4, device="cpu", random_state=0).set_params(**options)


def parts_of(X, size=250):
    return [X[first : first + size] for first in range(0, len(X), size)]
