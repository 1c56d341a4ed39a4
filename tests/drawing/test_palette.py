from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from skvae.drawing import palette

NAMES = [name for name, value in vars(palette).items() if isinstance(value, str) and value.startswith("#")]


def luminance(color):
    """Relative luminance, as WCAG 2.1 defines it."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_name_is_a_colour():
    assert len(NAMES) >= 8
    assert all(len(to_rgb(getattr(palette, name))) == 3 for name in NAMES)


def test_the_contrast_of_black_and_white_is_21():
    assert contrast("white", "black") == pytest.approx(21)


def test_text_can_be_read():
    assert contrast(palette.INK, "white") > 7
    assert contrast(palette.FAINT, "white") > 3
    assert contrast(palette.PALE, "white") < 1.5


def test_classes_are_told_apart():
    assert len(set(palette.CLASSES)) == 12
    colors = np.array([to_rgb(color) for color in (*palette.CLASSES, palette.GREY)])
    assert min(np.abs(one - other).max() for one, other in combinations(colors, 2)) > 0.15
