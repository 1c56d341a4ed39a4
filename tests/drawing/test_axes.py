import sys

import pytest
from matplotlib.colors import same_color

from skvae.drawing.axes import LEGEND, arrange, clean, headline
from skvae.drawing.axes import pyplot as import_pyplot
from skvae.drawing.palette import FAINT, INK, PALE


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch, pyplot):
    assert import_pyplot() is pyplot
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"Plots need matplotlib.*pip install skvae\[plot\]"):
        import_pyplot()


@pytest.mark.parametrize("n_panels", range(1, 30))
def test_panels_fill_a_grid_without_an_empty_row(n_panels):
    n_down, n_across = arrange(n_panels)
    assert (n_down - 1) * n_across < n_panels <= n_down * n_across
    assert n_across <= 3 and (n_across <= n_down + 1)


def test_clean_axes_have_no_ticks_and_no_frame(pyplot):
    figure, ax = pyplot.subplots()
    ax.plot([0, 1])
    ax.set_xlabel("x")
    clean(ax, grid="x", labelsize=8, linewidth=0.5)
    figure.canvas.draw()
    assert [side for side, spine in ax.spines.items() if spine.get_visible()] == ["bottom"]
    assert same_color(ax.spines["bottom"].get_edgecolor(), FAINT) and same_color(ax.xaxis.label.get_color(), INK)
    tick, other = ax.xaxis.get_major_ticks()[0], ax.yaxis.get_major_ticks()[0]
    assert tick.tick1line.get_markersize() == 0 and tick.label1.get_fontsize() == 8
    assert tick.gridline.get_visible() and not other.gridline.get_visible()
    assert same_color(tick.gridline.get_color(), PALE) and tick.gridline.get_linewidth() == 0.5


def test_axes_may_have_no_grid(pyplot):
    _, ax = pyplot.subplots()
    clean(ax, grid="")
    assert not any(line.get_visible() for line in (*ax.get_xgridlines(), *ax.get_ygridlines()))


def test_a_title_at_the_left_and_a_note_at_the_right(pyplot):
    _, ax = pyplot.subplots()
    headline(ax, "ELBO", "epoch 3", fontsize=9.5)
    assert (ax.get_title(loc="left"), ax.get_title(loc="right"), ax.get_title()) == ("ELBO", "epoch 3", "")
    headline(ax, "KL")
    assert (ax.get_title(loc="left"), ax.get_title(loc="right")) == ("KL", "epoch 3")  # no note, no change


def test_legends_have_no_frame(pyplot):
    _, ax = pyplot.subplots()
    ax.plot([0, 1], label="one")
    legend = ax.legend(**LEGEND)
    assert not legend.get_frame_on() and legend.get_texts()[0].get_fontsize() == 9
