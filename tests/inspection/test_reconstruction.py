import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.inspection import ReconstructionDisplay


def test_images_stand_below_their_originals(of_digits, digits, pyplot):
    _, ax = pyplot.subplots()
    display = ReconstructionDisplay.from_estimator(of_digits, digits[:12], image_shape=(8, 8), ax=ax)
    assert display.ax_ is ax
    picture = np.asarray(ax.images[0].get_array())
    assert picture.shape == (4 * 10, 10 * 10)  # twelve images need two pairs of rows
    assert_allclose(picture[1:9, 1:9], digits[0].reshape(8, 8))
    assert_allclose(picture[11:19, 1:9], of_digits.reconstruct(digits[:1])[0].reshape(8, 8), rtol=1e-5)
    assert_allclose(picture[21:29, 11:19], digits[11].reshape(8, 8))
    assert [text.get_text() for text in ax.get_yticklabels()] == ["original", "reconstructed"] * 2


def test_images_in_colour(rng=None):
    rng = np.random.default_rng(0)
    display = ReconstructionDisplay(rng.random((3, 27)), rng.random((3, 27)), image_shape=(3, 3, 3)).plot()
    assert np.asarray(display.ax_.images[0].get_array()).shape == (10, 15, 3)


def test_lines_lie_over_one_another(of_digits, digits):
    display = ReconstructionDisplay.from_estimator(of_digits, digits[:2])
    assert display.kind == "lines" and len(display.axes_) == 2
    before, after = display.axes_[1].lines
    assert_allclose(before.get_ydata(), digits[1])
    assert_allclose(after.get_ydata(), of_digits.reconstruct(digits[1:2])[0], rtol=1e-5)


def test_a_table_is_drawn_column_by_column(of_mixed, large_mixed):
    columns = ["size", "kind", "weight"]
    display = ReconstructionDisplay.from_estimator(of_mixed, large_mixed, columns=columns)
    display.figure_.canvas.draw()
    again = of_mixed.reconstruct(large_mixed)
    size, kind, weight = display.axes_
    assert [ax.get_title(loc="left") for ax in display.axes_] == columns
    error = ((again["size"] - large_mixed["size"]) ** 2).mean() / large_mixed["size"].var(ddof=0)
    assert size.get_title(loc="right") == f"R² {1 - error:.2f}"
    shares = pd.crosstab(again["kind"], large_mixed["kind"], normalize="columns")
    shares = shares.reindex(index=["large", "small"], columns=["large", "small"], fill_value=0)
    assert_allclose(np.asarray(kind.images[0].get_array()), shares)
    assert kind.get_title(loc="right") == f"{100 * (again['kind'] == large_mixed['kind']).mean():.0f} % kept"
    assert len(weight.collections[0].get_offsets()) == large_mixed["weight"].notna().sum()  # gaps have no original


def test_a_pipeline_is_undone(of_iris, iris):
    display = ReconstructionDisplay.from_estimator(of_iris, 1000 * iris + 5000)
    assert_allclose(display.reconstructions.mean(), 5000, atol=300)


def test_unusual_columns(pyplot):
    frame = pd.DataFrame({"one": [1.0, 1.0], "gone": [np.nan, np.nan], "word": ["a", None], "x": [1e300, -1e300]})
    ReconstructionDisplay(frame, frame).plot().figure_.canvas.draw()
    ReconstructionDisplay(frame[:1], frame[:1]).plot().figure_.canvas.draw()


def test_sentences(of_digits, digits):
    with pytest.raises(ValueError, match=r"the same rows, but their shapes are \(3, 4\) and \(2, 4\)"):
        ReconstructionDisplay(np.zeros((3, 4)), np.zeros((2, 4)))
    with pytest.raises(ValueError, match="image_shape must be"):
        ReconstructionDisplay.from_estimator(of_digits, digits[:3], image_shape=(8, 7))
