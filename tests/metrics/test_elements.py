import base64
import re
import sys

import numpy as np
import pandas as pd
import pytest

from skvae.metrics.elements import drawing, picture_element, table_element

pytest.importorskip("matplotlib")


def test_a_table_is_escaped_cut_and_aligned():
    table = pd.DataFrame({"<n>": [1.23456789, np.nan], "word": ["a & b", "c" * 40], "when": [None, pd.NaT]})
    element = table_element(table, max_letters=32)
    assert element.startswith('<table><thead><tr><th class="n">&lt;n&gt;</th><th>word</th>')
    assert '<td class="n">1.23457</td><td>a &amp; b</td><td>–</td>' in element
    assert f"<td>{'c' * 31}…</td>" in element and f"<td>{'c' * 40}</td>" in table_element(table)
    assert element.count("<tr>") == 3 and element.endswith("</tbody></table>")


def test_an_empty_table_has_a_head():
    assert table_element(pd.DataFrame({"a": []})).endswith("</thead><tbody></tbody></table>")


def test_a_picture_holds_its_own_data_and_is_the_same_each_time():
    elements = []
    for _ in range(2):
        with drawing(3, 2) as figure:
            figure.subplots().plot([0, 1])
            elements.append(picture_element(figure, 'a "line"'))
    assert elements[0] == elements[1]
    assert 'alt="a &quot;line&quot;" width="288" height="192"' in elements[0]  # 96 pixels an inch
    svg = base64.b64decode(re.search(r"base64,([^\"]+)", elements[0])[1]).decode("utf-8")
    assert "<svg" in svg and "<text" not in svg  # letters are shapes


def test_drawing_leaves_matplotlib_as_it_was():
    import matplotlib

    before = dict(matplotlib.rcParams)
    with drawing(1, 1):
        assert matplotlib.rcParams["svg.hashsalt"] == "skvae"
    assert dict(matplotlib.rcParams) == before


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"The page needs matplotlib.*pip install skvae\[plot\]"), drawing(1, 1):
        pass
