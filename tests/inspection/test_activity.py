import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae.inspection import ComponentActivityDisplay, latent_report


def test_bars_are_sorted_and_idle_ones_crossed():
    display = ComponentActivityDisplay([0.5, 0.0, 2.0, 0.009]).plot()
    assert_array_equal(display.order, [2, 0, 3, 1])
    assert_allclose([bar.get_height() for bar in display.bars_], [2, 0.5, 0.009, 0])
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["2", "0", "3", "1"]
    assert_array_equal(display.ax_.lines[0].get_xdata(), [2, 3])
    assert display.ax_.get_title(loc="left") == "2 of 4 components active"


def test_of_an_estimator_with_and_without_rows(of_digits, digits, pyplot):
    _, ax = pyplot.subplots()
    display = ComponentActivityDisplay.from_estimator(of_digits, ax=ax)
    assert display.ax_ is ax
    assert_allclose(display.kl, of_digits.kl_per_component_)
    display = ComponentActivityDisplay.from_estimator(of_digits, digits[:50])
    assert_allclose(display.kl, latent_report(of_digits, digits[:50])["kl"].drop("all"))


def test_a_sentence_for_no_components():
    with pytest.raises(ValueError, match=r"one number for each component, but its shape is \(0,\)"):
        ComponentActivityDisplay([])


@pytest.mark.parametrize("n_components", [1, 100])
def test_any_number_of_components(n_components):
    display = ComponentActivityDisplay(np.zeros(n_components)).plot()
    display.figure_.canvas.draw()
    assert display.ax_.get_title(loc="left") == f"0 of {n_components} components active"
