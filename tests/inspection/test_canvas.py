import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skvae.inspection.canvas import as_images, axes_for, panels, signed, tile


def test_a_tile_has_gaps_between_images():
    images = np.arange(1, 5).repeat(4).reshape(2, 2, 2, 2)
    picture = tile(images)
    assert picture.shape == (8, 8)
    assert_array_equal(picture[1:3, 1:3], 1)
    assert_array_equal(picture[1:3, 5:7], 2)
    assert_array_equal(picture[5:7, 1:3], 3)
    assert np.isnan(picture[[0, 3, 4, 7]]).all()
    assert tile(np.zeros((2, 3, 4, 5, 3))).shape == (12, 21, 3)


def test_an_image_has_the_shape_of_a_row():
    assert as_images(np.zeros((5, 12)), (3, 4)).shape == (5, 3, 4)
    assert as_images(np.zeros((5, 12)), (2, 2, 3)).shape == (5, 2, 2, 3)
    for shape in [(3, 3), (12,), (1, 1, 3, 4)]:
        with pytest.raises(ValueError, match=r"which has 12, but is \("):
            as_images(np.zeros((5, 12)), shape)
    with pytest.raises(TypeError, match="An image consists of numbers"):
        as_images([["a"]], (1, 1))


def test_panels_take_the_place_of_given_axes(pyplot):
    figure, axes = pyplot.subplots(1, 2)
    blank, parts = panels(axes[1], 2, 3, (1, 1))
    assert blank is axes[1] and not blank.axison
    assert parts.shape == (2, 3) and all(part.figure is figure for part in parts.ravel())
    with pytest.raises(ValueError, match=r"no place in a grid.*plt\.subplots"):
        panels(figure.add_axes((0, 0, 1, 1)), 2, 3, (1, 1))


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install skvae\[plot\]"):
        axes_for(None, (1, 1))


def test_minus_signs():
    assert [signed(x, 1) for x in (-1.26, -0.01, 0.0, 2.0)] == ["−1.3", "0.0", "0.0", "2.0"]
