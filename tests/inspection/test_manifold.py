import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import norm

from skvae import VAETransformer
from skvae.inspection import ManifoldDisplay
from skvae.inspection.manifold import prior_quantiles
from skvae.priors import Mixture


def test_images_lie_where_their_quantiles_are(of_digits, pyplot):
    _, ax = pyplot.subplots()
    display = ManifoldDisplay.from_estimator(of_digits, components=(2, 0), image_shape=(8, 8), n_steps=4, ax=ax)
    assert display.ax_ is ax and display.kind == "images"
    picture = np.asarray(ax.images[0].get_array())
    assert picture.shape == (4 * 10, 4 * 10)
    low, high = norm.ppf([1 / 8, 7 / 8])
    corner = of_digits.inverse_transform([[high, 0, low]])[0].reshape(8, 8)  # component 2 lowest, 0 highest: top left
    assert_allclose(picture[1:9, 1:9], corner, rtol=1e-6)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["−1.2", "−0.7", "0.0", "0.7", "1.2"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("component 2", "component 0")


def test_many_numbers_are_lines(of_digits):
    display = ManifoldDisplay.from_estimator(of_digits, n_steps=3)
    assert display.kind == "lines"
    lines = display.ax_.collections[0].get_segments()
    assert len(lines) == 9 and lines[0].shape == (64, 2)
    assert (lines[0] < 1 / 3).all() and (lines[-1] > 2 / 3).all()


def test_a_table_has_a_map_for_each_column(of_mixed):
    columns = ["size", "kind", "grade"]
    display = ManifoldDisplay.from_estimator(of_mixed, columns=columns, n_steps=5)
    display.figure_.canvas.draw()
    assert [ax.get_title(loc="left") for ax in display.axes_] == columns
    cells = np.asarray(display.axes_[0].images[0].get_array())
    assert_allclose(cells, display.rows["size"].to_numpy(dtype=float).reshape(5, 5))
    assert display.axes_[0].images[0].origin == "lower"
    assert {text.get_text() for text in display.axes_[1].texts} <= {"large", "small"}
    assert len(ManifoldDisplay.from_estimator(of_mixed, n_steps=2).axes_) == 9
    with pytest.raises(ValueError, match="'height'"):
        ManifoldDisplay.from_estimator(of_mixed, columns=["height"])


def test_a_pipeline_is_decoded_to_its_first_step(of_iris):
    display = ManifoldDisplay.from_estimator(of_iris, n_steps=3)
    assert display.kind == "table"
    assert 3000 < display.rows.to_numpy().mean() < 7000


def test_quantiles_of_a_learned_prior_are_those_of_its_draws(tiny, iris):
    vae = VAETransformer(**tiny).fit(iris)
    assert_array_equal(prior_quantiles(vae, np.array([0.5])), [[0, 0]])
    prior = vae.vae_.prior = Mixture(2).build(2, vae.vae_.encoder, torch.Generator().manual_seed(0))
    draws = prior.sample(100_000, torch.empty(0), torch.Generator().manual_seed(1))[0].detach().numpy()
    assert_allclose(prior_quantiles(vae, np.array([0.2, 0.9])), np.quantile(draws, [0.2, 0.9], axis=0), atol=0.1)
    assert_array_equal(prior_quantiles(vae, np.array([0.3])), prior_quantiles(vae, np.array([0.3])))


def test_sentences(of_digits, tiny, iris):
    with pytest.raises(ValueError, match="n_steps must be at least 2, but is 1"):
        ManifoldDisplay.from_estimator(of_digits, n_steps=1)
    with pytest.raises(ValueError, match="needs as many rows, but there are 3"):
        ManifoldDisplay(np.zeros((3, 64)), [0, 1], [0, 1])
    with pytest.raises(ValueError, match="image_shape must be"):
        ManifoldDisplay.from_estimator(of_digits, image_shape=(8, 9), n_steps=2)
    with pytest.raises(ValueError, match="two components"):
        ManifoldDisplay.from_estimator(VAETransformer(**tiny | {"n_components": 1}).fit(iris))
