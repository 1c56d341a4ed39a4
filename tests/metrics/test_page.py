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
    return frame.assign(when=pd.Timestamp(2024, 1, 1) + pd.to_timedelta(rng.integers(365, size=n_rows), unit="D"))


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
def judged():
    return report(draw(200, 0), draw(150, 2), test=draw(100, 1), target="word", random_state=0)


@pytest.fixture(scope="module")
def page(judged):
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
    for said in (
        "people & <places>",
        "Made by <hand>.",
        "<b>n",
        "100 held out",
        "“word”",
        "held-out real rows",
        "With 100 rows to compare, chance",
        "of 100: ",
        "Rules of the table",
        "Attacks",
        "What the",
    ):
        assert said in text
    assert len(re.findall('<section class="card">', page)) == 7
    assert page.count('<li><span class="mark') == 7
    assert "Identifiers" not in text


def test_the_first_screen_tells_the_score_and_the_two_questions_that_count(judged, page):
    first = page[page.index('<div class="first">') :]
    first = " ".join(Balanced(first[: first.index("</ul>")] + "</ul></div>").text)
    assert f"{judged.score}" in first
    for figure in ("Two-sample AUC, test", "Worst attack"):
        assert judged.verdicts["sentence"][figure] in first


NAMES = {seed: [f"person{seed}x{i}@mail.org" for i in range(200)] for seed in range(3)}


def test_no_name_of_anybody_is_on_the_page():
    tables = [draw(200, seed).assign(mail=NAMES[seed]) for seed in range(3)]
    tables[0].loc[0, "word"] = "Rumpelstiltskin"
    rows = tables[2].assign(mail=NAMES[0], word="Rumpelstiltskin")
    judged = report(tables[0], rows, test=tables[1], random_state=0)
    page = judged.to_html()
    assert "person0x" not in page and "Rumpelstiltskin" not in page
    text = " ".join(Balanced(page).text)
    assert "(identifier)" in text and "(rare value)" in text
    assert "Real values come back in “mail”" in text and "“mail” (100.0% of rows)" in text
    pictured = [attributes["alt"] for tag, attributes in Balanced(page).seen if tag == "img"]
    assert not [alt for alt in pictured if "mail" in alt]


def test_pages_without_test_rows_or_pairs():
    one = report(draw(60, 0)[["x"]], draw(60, 1)[["x"]], random_state=0).to_html()
    text = " ".join(Balanced(one).text)
    assert "Pairs of columns" not in text
    assert "nothing to compare with" in text
    assert "Whether rows leak was not asked" in text and "Attacks" not in text
    assert "nan" not in text.split()
