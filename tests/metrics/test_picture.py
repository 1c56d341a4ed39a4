import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.metrics import Report, column_shapes, pair_trends
from skvae.metrics.picture import _edges, _number

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture
def pyplot(monkeypatch):
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def compare(real, synthetic):
    return Report(pd.DataFrame(), column_shapes(real, synthetic), pair_trends(real, synthetic), real, synthetic)


def titles(figure):
    return [ax.get_title(loc="left") for part in figure.subfigs[:1] for ax in part.axes if ax.get_visible()]


def test_the_worst_columns_come_first(mixed, pyplot):
    mixed = mixed[["size", "visits", "age", "kind", "color", "member"]]
    mixed = mixed.assign(when=pd.date_range("2020", periods=60, freq="D"), took=pd.to_timedelta(range(60), unit="s"))
    judged = compare(mixed, mixed.assign(age=200, kind="odd"))
    figure = judged.plot()
    figure.canvas.draw()
    assert titles(figure)[:2] == ["age", "kind"]
    assert sorted(titles(figure)) == sorted(mixed.columns)
    assert titles(judged.plot(max_columns=2)) == ["age", "kind"]
    with pytest.raises(ValueError, match="max_columns must be at least 1, but is 0"):
        judged.plot(max_columns=0)


def test_bars_and_map_show_the_figures(pyplot):
    real = pd.DataFrame({"word": ["a", "a", "b", None], "flag": [True, False, True, True]})
    judged = compare(real, real.assign(word=["a", "b", "b", "b"]))
    columns, pairs = judged.plot().subfigs
    word = columns.axes[0]
    assert [text.get_text() for text in word.get_yticklabels()] == ["b", "a", "(missing)"]
    assert_allclose([bar.get_width() for bar in word.patches], [0.25, 0.5, 0.25, 0.75, 0.25, 0])
    assert_allclose(pairs.axes[0].images[0].get_array(), 100 * judged.trends)


def test_many_levels_share_a_bar(pyplot):
    real = pd.DataFrame({"word": [chr(97 + i) for i in range(20) for _ in range(20 - i)]})
    (columns,) = compare(real, real).plot().subfigs
    names = [text.get_text() for text in columns.axes[0].get_yticklabels()]
    assert names == ["a", "b", "c", "d", "e", "f", "(14 others)"]
    assert sum(bar.get_width() for bar in columns.axes[0].patches) == pytest.approx(2)


def test_a_figure_may_be_given(mixed, pyplot):
    given = pyplot.figure(layout="constrained")
    mixed = mixed[["size", "kind"]]
    assert compare(mixed, mixed).plot(figure=given) is given


def test_unusual_columns_are_drawn(pyplot):
    real = pd.DataFrame({"$price": [1.0, 1.0], "gone": [None, None], 3: [np.nan, 2.0], "rate": [0.1, 0.2]})
    compare(real, real[::-1]).plot().canvas.draw()
    compare(real[["gone"]], real[["gone"]]).plot().canvas.draw()


@pytest.mark.parametrize(
    ("ends", "marks", "note"),
    [
        (("0900-01-01", "1500-01-01"), {"1000", "1200"}, ""),
        (("-0500-01-01", "0001-01-01"), {"−300", "0"}, "year; missing 33.33 %, synthetic 33.33 %"),
        (("9990-01-01", "12000-01-01"), {"10000", "12000"}, "year"),
        ((-(2**62), 2**62), {"−1.6e+11", "0", "1.6e+11"}, "year"),
    ],
)
def test_dates_beyond_the_calendar_are_drawn_in_years(ends, marks, note, pyplot):
    when = np.array([*ends, *(["NaT"] if "missing" in note else [])], dtype="datetime64[s]")
    real = pd.DataFrame({"when": when})
    figure = compare(real, real).plot()
    figure.canvas.draw()
    ax = figure.subfigs[0].axes[0]
    assert marks <= {text.get_text() for text in ax.get_xticklabels()}
    assert ax.get_xlabel() == note


def test_long_numbers_are_marked_as_themselves(pyplot):
    real = pd.DataFrame({"code": 2**60 + np.arange(100)})
    figure = compare(real, real).plot()
    figure.canvas.draw()
    marks = [text.get_text() for text in figure.subfigs[0].axes[0].get_xticklabels()]
    assert all(mark.startswith("1.15292") for mark in marks)


def test_without_matplotlib_the_message_says_what_to_install(mixed, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"pip install skvae\[plot\]"):
        compare(mixed, mixed).plot()


@pytest.mark.parametrize("values", [np.arange(17, 91), np.arange(5), np.array([3]), np.arange(1000) ** 2])
def test_whole_numbers_fill_bins_equally(values):
    edges = _edges(values.astype(float))
    assert len(edges) <= 41
    assert edges[0] < values.min() and edges[-1] > values.max()
    if len(values) > 1:
        assert (np.diff(edges) % 1 == 0).all() and edges[0] % 1 == 0.5


def test_numbers_take_few_letters():
    assert [_number(value) for value in (0.8, 999, -1500, 2.5e6, 0)] == ["0.8", "999", "−1.5k", "2.5M", "0"]
