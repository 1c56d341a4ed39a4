import numpy as np
from matplotlib.colors import same_color

from skvae.drawing.maps import label_bar, name_cells, write_cells
from skvae.drawing.palette import INK


def test_names_stand_at_the_cells(pyplot):
    _, ax = pyplot.subplots()
    ax.imshow(np.zeros((2, 3)))
    name_cells(ax, ["a", "b", "c"], ["one", ""], fontsize=7)
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["one", ""]
    assert list(ax.get_xticks()) == [0, 1, 2]
    assert not any(spine.get_visible() for spine in ax.spines.values())


def test_without_names_there_are_no_ticks(pyplot):
    _, ax = pyplot.subplots()
    name_cells(ax, [], [], fontsize=7)
    assert not len(ax.get_xticks()) and not len(ax.get_yticks())


def test_numbers_are_written_where_there_are_some(pyplot):
    _, ax = pyplot.subplots()
    write_cells(ax, np.array([[0.5, np.nan], [-0.9, 0.1]]), "{:.1f}".format, dark=0.6, fontsize=8)
    texts = {text.get_position(): text for text in ax.texts}
    assert {place: text.get_text() for place, text in texts.items()} == {(0, 0): "0.5", (0, 1): "-0.9", (1, 1): "0.1"}
    assert same_color(texts[0, 1].get_color(), "white")  # dark, whatever its sign
    assert same_color(texts[0, 0].get_color(), INK)


def test_a_bar_has_a_label_and_no_frame(pyplot):
    figure, ax = pyplot.subplots()
    bar = figure.colorbar(ax.imshow(np.eye(2)))
    label_bar(bar, "association", labelsize=6)
    assert bar.ax.get_ylabel() == "association" and not bar.outline.get_visible()
    assert bar.ax.get_yticklabels()[0].get_fontsize() == 6
