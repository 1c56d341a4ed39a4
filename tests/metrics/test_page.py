import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from skvae.metrics import report

pytest.importorskip("matplotlib")
VOID = {"meta", "img", "br"}


def draw(n_rows, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    frame = pd.DataFrame({"x": x, "<b>n": np.rint(3 * x), "word": np.where(x + rng.normal(size=n_rows) > 0, "a", "b")})
    return frame.assign(when=pd.Timestamp(2024, 1, 1) + pd.to_timedelta(np.arange(n_rows), unit="D"))


class Balanced(HTMLParser):
    """Checks that elements are closed in order, and keeps what was seen."""

    def __init__(self, page):
        super().__init__()
        self.open, self.seen, self.text = [], [], []
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture(scope="module")
def page():
    judged = report(draw(200, 0), draw(150, 2), test=draw(100, 1), target="word", random_state=0)
    return judged.to_html(title="people & <places>", notes="Made by <hand>.")


def test_the_page_needs_nothing_else(page):
    elements = Balanced(page).seen
    sources = [attributes[name] for _, attributes in elements for name in ("src", "href") if name in attributes]
    assert len(sources) == 4 + 3  # columns, and maps of pairs
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "@import" not in page and "url(" not in page
    assert not [tag for tag, _ in elements if tag == "script"]
    assert all(attributes["alt"] for tag, attributes in elements if tag == "img")


def test_the_page_says_what_the_report_says(page):
    text = " ".join(Balanced(page).text)
    for said in ("people & <places>", "Made by <hand>.", "<b>n", "100 held out", "“word”", "held-out real rows"):
        assert said in text
    assert len(re.findall('<section class="card">', page)) == 6
    assert page.count('<li><span class="mark') == 6


def test_pages_without_test_rows_or_pairs():
    one = report(draw(60, 0)[["x"]], draw(60, 1)[["x"]], random_state=0).to_html()
    text = " ".join(Balanced(one).text)
    assert "Pairs of columns" not in text
    assert "nothing to compare with" in text
    assert "nan" not in text.split()
