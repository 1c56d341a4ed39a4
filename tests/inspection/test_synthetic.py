import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.inspection import AssociationsDisplay, MarginalsDisplay
from skvae.metrics import associations, column_shapes, mean_trend, pair_trends

TABLE = pd.DataFrame({"x": np.arange(40.0), "word": ["a", "b"] * 20, "y": np.arange(40.0) ** 2})


def test_marginals_begin_with_the_worst(pyplot):
    _, axes = pyplot.subplots(1, 2)
    display = MarginalsDisplay(TABLE, TABLE.assign(word="a", y=TABLE["y"] + 100)).plot(ax=axes[1])
    assert display.ax_ is axes[1] and display.columns == ["word", "y", "x"]
    assert [ax.get_title(loc="left") for ax in display.axes_] == display.columns
    assert display.axes_[0].get_title(loc="right") == "50.00 %"
    assert [text.get_text() for text in display.axes_[0].get_legend().get_texts()] == ["real", "synthetic"]
    assert [bar.get_width() for bar in display.axes_[0].patches[:4]] == [0.5, 0.5, 1, 0]
    assert MarginalsDisplay(TABLE, TABLE, max_columns=1).columns == ["x"]
    assert MarginalsDisplay(TABLE, TABLE, columns=["y"]).columns == ["y"]


def test_marginals_of_an_estimator(of_mixed, large_mixed, of_iris, iris):
    display = MarginalsDisplay.from_estimator(of_mixed, large_mixed, columns=["size", "kind", "color"])
    expected = column_shapes(large_mixed, of_mixed.sample(1500, random_state=0))
    assert_allclose(display.shapes, expected)
    display.figure_.canvas.draw()
    display = MarginalsDisplay.from_estimator(of_iris, 1000 * iris + 5000)
    assert display.synthetic.shape == (150, 4)
    assert_allclose(display.synthetic.mean(), 5000, atol=400)


def test_associations_of_both_tables(pyplot):
    synthetic = TABLE.assign(word=TABLE["word"].to_numpy()[::-1])
    display = AssociationsDisplay(TABLE, synthetic).plot()
    real, other = (np.asarray(image.get_array().filled(np.nan)) for image in display.images_)
    expected = associations(TABLE).to_numpy(copy=True)
    np.fill_diagonal(expected, np.nan)
    assert_allclose(real, expected)
    assert other[0, 1] == pytest.approx(associations(synthetic).loc["x", "word"])
    assert display.trend == mean_trend(pair_trends(TABLE, synthetic))
    left, right = display.axes_
    assert [text.get_text() for text in left.get_xticklabels()] == ["x", "word", "y"]
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("Real", "Synthetic")


def test_associations_of_an_estimator(of_mixed, large_mixed):
    display = AssociationsDisplay.from_estimator(of_mixed, large_mixed, max_columns=4)
    assert list(display.real) == list(large_mixed.columns[:4])
    display.figure_.canvas.draw()
    display = AssociationsDisplay.from_estimator(of_mixed, large_mixed, columns=["size"])
    display.figure_.canvas.draw()
    assert np.isnan(display.trend)  # a single column has no pair


def test_sentences(of_mixed, large_mixed):
    with pytest.raises(ValueError, match="max_columns must be at least 1, but is 0"):
        MarginalsDisplay(TABLE, TABLE, max_columns=0)
    with pytest.raises(ValueError, match=r"lacks \['y'\]"):
        AssociationsDisplay(TABLE, TABLE[["x", "word"]])
    with pytest.raises(ValueError, match=r"X must have the 14 column\(s\) of fit, but has 1"):
        AssociationsDisplay.from_estimator(of_mixed, large_mixed[["size"]])
    with pytest.raises(ValueError, match=r"\['height'\] is not among them"):
        MarginalsDisplay.from_estimator(of_mixed, large_mixed, columns=["height"])
