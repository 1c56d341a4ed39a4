import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import same_color, to_hex
from numpy.testing import assert_allclose

from skvae.drawing.palette import CLASSES, GREY
from skvae.inspection import LatentSpaceDisplay

Z = np.random.default_rng(0).normal(size=(40, 3))


def colors_of(display):
    """Colour of each row, in the order of the rows."""
    points = np.asarray(display.scatter_.get_offsets())
    found = {tuple(point): to_hex(color) for point, color in zip(points, display.scatter_.get_facecolor(), strict=True)}
    return [found[tuple(point)] for point in display.Z[:, list(display.components)]]


def test_categories_have_a_legend():
    names = np.array(["b", "a"] * 20, dtype=object)
    names[3] = None
    display = LatentSpaceDisplay(Z, color=pd.Series(names, name="$kind$"), components=(2, 0)).plot(alpha=1)
    assert display.levels == ["a", "b", "(missing)"]
    assert display.legend_.get_title().get_text() == r"\$kind\$"
    expected = {"a": CLASSES[0], "b": CLASSES[1], None: GREY}
    assert all(same_color(found, expected[name]) for found, name in zip(colors_of(display), names, strict=True))
    assert display.ax_.get_xlabel() == "component 2"


def test_numbers_have_a_colour_bar():
    values = np.linspace(0, 1, 40)
    values[7] = np.nan
    display = LatentSpaceDisplay(Z, color=pd.Series(values, name="age")).plot(alpha=1)
    assert display.levels is None
    assert display.colorbar_.ax.get_ylabel() == "age"
    display.figure_.canvas.draw()
    colors = colors_of(display)
    assert same_color(colors[7], GREY)
    assert same_color(colors[0], "#440154") and same_color(colors[-1], "#fde725")  # the ends of viridis


@pytest.mark.parametrize(
    ("color", "levels"),
    [
        (np.arange(40) % 3, ["0", "1", "2"]),
        (np.arange(40) % 3 == 0, ["False", "True"]),
        (pd.Categorical(["low", "high"] * 20, ["low", "mid", "high"], ordered=True), ["low", "high"]),
        (pd.array([1, None] * 20, dtype="Int64"), ["1", "(missing)"]),
        (np.arange(40), None),
        (pd.date_range("2020", periods=40), 12),
        ([f"name {i}" for i in range(40)], 12),
        (["one"] * 40, ["one"]),
        (["one", 2] * 20, ["one", "2"]),
    ],
)
def test_colours_of_any_kind(color, levels):
    display = LatentSpaceDisplay(Z, color=color).plot()
    display.figure_.canvas.draw()
    assert (len(display.levels) if levels == 12 else display.levels) == levels
    if levels == 12:
        assert display.levels[-1] == "(29 others)"


def test_of_an_estimator_by_a_column_of_the_frame(of_mixed, large_mixed, pyplot):
    _, ax = pyplot.subplots()
    display = LatentSpaceDisplay.from_estimator(of_mixed, large_mixed, color="kind", ax=ax)
    assert display.ax_ is ax and display.levels == ["large", "small"]
    order = np.argsort(-of_mixed.kl_per_component_)
    assert display.components == tuple(order[:2])
    assert f"component {order[0]} (" in ax.get_xlabel()
    assert_allclose(display.Z, of_mixed.transform(large_mixed))
    with pytest.raises(ValueError, match=r"color must be a column of X.*but is 'colour'"):
        LatentSpaceDisplay.from_estimator(of_mixed, large_mixed, color="colour")


def test_of_a_pipeline_by_a_column_of_the_array(of_iris, iris):
    display = LatentSpaceDisplay.from_estimator(of_iris, 1000 * iris + 5000, color=2)
    assert_allclose(display.color, 1000 * iris[:, 2] + 5000)


def test_of_polars(of_mixed, large_mixed):
    polars = pytest.importorskip("polars")
    values = polars.Series("fruit", ["apple", "pear"] * 750)
    display = LatentSpaceDisplay.from_estimator(of_mixed, large_mixed, color=values)
    assert display.levels == ["apple", "pear"] and display.color.name == "fruit"


def test_sentences():
    with pytest.raises(ValueError, match="one value for each of the 40 rows, but has 3"):
        LatentSpaceDisplay(Z, color=[1, 2, 3])
    with pytest.raises(ValueError, match=r"Z must have two columns or more, but its shape is \(40, 1\)"):
        LatentSpaceDisplay(Z[:, :1])
