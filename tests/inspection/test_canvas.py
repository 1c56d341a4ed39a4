import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skvae.inspection.canvas import as_images, axes_for, label_regions, panel_grid, panels, signed, tile


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


def test_spare_places_of_a_grid_are_blank(pyplot):
    blank, axes = panel_grid(None, 4, each=(3.0, 2.0), around=(0.5, 0.25))
    assert len(axes) == 4 and all(ax.axison for ax in axes)
    assert blank.figure.get_size_inches().tolist() == [6.5, 4.25]
    blank, axes = panel_grid(None, 7, each=(1, 1), around=(0, 0))
    assert len(axes) == 7 and sum(ax.axison for ax in blank.figure.axes) == 7
    assert len(blank.figure.axes) == 1 + 9


def test_names_of_regions_stand_inside(pyplot):
    _, ax = pyplot.subplots()
    places = np.zeros((20, 20))
    places[:, 16:] = 1
    places[0, 0] = 2  # no room for a name
    label_regions(ax, places, ["large", "right", "tiny"])
    left, right = ax.texts
    assert (left.get_text(), left.get_ha()) == ("large", "center")
    assert (right.get_text(), right.get_ha(), right.get_position()[0]) == ("right", "right", 0.98)
    assert left.get_position()[0] == pytest.approx(0.4, abs=0.06)
