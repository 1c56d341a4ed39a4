"""Tables of which the right verdict is known: garbage, good ones and leaking ones, before the report and its page."""

from html import unescape

import numpy as np
import pandas as pd
import pytest

from skvae.metrics import is_leak, report
from skvae.metrics import page as page_of_report

pytestmark = pytest.mark.usefixtures("small_classifiers")

N = 600
CITIES = np.array(["Bern", "Chur", "Genf", "Thun", "Zug"])
COLUMNS, PAIRS, CLASSIFIER = "Shape error", "Trend error", "Two-sample AUC, test"
COPIES, ATTACK, INVALID = "Exact copies", "Worst attack", "Invalid rows"
LIKENESS = {COLUMNS, PAIRS, CLASSIFIER}


def people(n_rows, seed):
    """Rows of a table in which columns depend on one another, with names that are unique."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    return pd.DataFrame(
        {
            "x": x,
            "y": 0.8 * x + 0.6 * rng.normal(size=n_rows),
            "visits": rng.poisson(np.exp(1 + 0.3 * x)),
            "city": CITIES[np.clip(np.rint(2 + x + 0.5 * rng.normal(size=n_rows)), 0, 4).astype(int)],
            "mail": [f"p{seed}x{i}@mail.org" for i in range(n_rows)],
        }
    )


def codes(n_rows, seed):
    """Rows of few possible values."""
    return pd.DataFrame(np.random.default_rng(seed).integers(2, size=(n_rows, 3)).astype(str), columns=list("abc"))


def with_gaps(table, seed=0):
    return table.assign(y=table["y"].mask(np.random.default_rng(seed).random(len(table)) < 0.3))


def with_places(table, seed):
    """A category of so many values that real rows differ as much as bad ones."""
    return table.assign(place=[f"place {i}" for i in np.random.default_rng(seed).integers(250, size=len(table))])


def noisy(table, scale):
    rng = np.random.default_rng(9)
    noise = scale * rng.normal(size=(2, len(table)))
    return table.assign(x=table["x"] + noise[0], y=table["y"] + noise[1], mail=people(len(table), 9)["mail"])


TRAIN, TEST, FRESH = people(N, 0), people(N, 8), people(N, 2)
SHUFFLED = TRAIN.apply(lambda column: column.sample(frac=1, random_state=len(column.name)).to_numpy())
NOISE = pd.DataFrame(np.random.default_rng(3).uniform(-3, 3, size=(N, 2)), columns=["x", "y"])

GOOD = {  # synthetic, train, test, and figures that are no better than fair
    "fresh rows": (FRESH, TRAIN, TEST, set()),
    "more of them": (people(3 * N, 5), TRAIN, TEST, set()),
    "columns in another order": (FRESH[FRESH.columns[::-1]], TRAIN, TEST, set()),
    "other types": (FRESH.astype({"visits": "float64", "city": "category"}), TRAIN, TEST, set()),
    "gaps as in the data": (with_gaps(FRESH, 2), with_gaps(TRAIN, 0), with_gaps(TEST, 1), set()),
    "too many values": (*(with_places(table, i) for i, table in enumerate((FRESH, TRAIN, TEST))), set()),
    "few possible rows": (codes(N, 4), codes(N, 5), codes(N, 6), {COPIES}),
}
GARBAGE = {  # synthetic, and figures that are poor
    "noise": (FRESH.assign(**NOISE, visits=0, city="Bern"), LIKENESS),
    "noise with real names": (FRESH.assign(**NOISE, visits=0, mail=TRAIN["mail"]), {*LIKENESS, COPIES}),
    "the mean": (FRESH.assign(x=0.0, y=0.0, visits=3), LIKENESS),
    "columns drawn alone": (SHUFFLED.assign(mail=FRESH["mail"]), {PAIRS, CLASSIFIER}),
    "another place": (FRESH.assign(x=FRESH["x"] + 1), {COLUMNS, CLASSIFIER}),
    "other units": (FRESH.assign(x=1000 * FRESH["x"]), {COLUMNS, CLASSIFIER, INVALID}),
    "a category of one value": (FRESH.assign(city="Genf"), {COLUMNS, PAIRS, CLASSIFIER}),
    "unknown values": (FRESH.assign(city=FRESH["city"] + "!"), {COLUMNS, PAIRS, CLASSIFIER, INVALID}),
    "one broken pair": (FRESH.assign(y=-FRESH["y"]), {PAIRS, CLASSIFIER}),
    "gaps that the data do not have": (with_gaps(FRESH), {COLUMNS, INVALID}),
    "negative counts": (FRESH.assign(visits=-FRESH["visits"]), {COLUMNS, CLASSIFIER, INVALID}),
    "fractions of counts": (FRESH.assign(visits=FRESH["visits"] + 0.5), {CLASSIFIER, INVALID}),
    "one name for all": (FRESH.assign(mail="new@mail.org"), {INVALID}),
}
LEAKING = {  # synthetic, and figures that are poor
    "training rows": (TRAIN.sample(frac=1, random_state=0), {COPIES, ATTACK}),
    "training rows under new names": (TRAIN.assign(mail=FRESH["mail"]), {COPIES, ATTACK}),
    "training rows with a little noise": (noisy(TRAIN, 0.01), {ATTACK}),
    "training rows with more noise": (noisy(TRAIN, 0.1), {ATTACK}),
    "a third of them": (pd.concat([TRAIN[:200], FRESH[200:]]), {COPIES, ATTACK}),
    "names of real people": (FRESH.assign(mail=TRAIN["mail"]), {COPIES}),
    "a few of them": (FRESH.assign(mail=[*TRAIN["mail"][:30], *FRESH["mail"][30:]]), {COPIES}),
}


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """Pictures take most of the time, and say nothing of verdicts."""
    monkeypatch.setattr(page_of_report, "_column_figures", lambda *_: [])
    monkeypatch.setattr(page_of_report, "_pairs_section", lambda *_: "")


def judge(synthetic, train=TRAIN, test=TEST):
    judged = report(train, synthetic, test=test, random_state=0)
    return judged, unescape(judged.to_html())


def check_page(judged, page):
    """What the guide says of leaks, by its function, and what the page says are one; so are score and verdicts."""
    figures = judged.table
    guide = [
        is_leak(figures["value"][name], expected, figures["standard_error"][name], n_attacks)
        for name, expected, n_attacks in [(ATTACK, 0.5, len(judged.attacks)), (COPIES, figures["real"][COPIES], 1)]
    ]
    for figure, leaks in zip((ATTACK, COPIES), guide, strict=True):
        sentence = judged.verdicts["sentence"][figure]
        assert leaks == judged.verdicts["leaks"][figure] == ("leak" in sentence)
        assert sentence in page and not (leaks and judged.verdicts["verdict"][figure] == "good")
    first = page[page.index("In short") : page.index("What the ")]
    assert any(guide) == ("leak:" in first) == bool(judged.leaks)
    for verdict in ("good", "fair", "poor"):
        assert first.count(f'<span class="mark {verdict}">') == (judged.verdicts["verdict"] == verdict).sum()
    assert f"{judged.score}</b>" in first


@pytest.mark.parametrize("name", GOOD)
def test_good_tables_are_called_good(name):
    *tables, at_best_fair = GOOD[name]
    judged, page = judge(*tables)
    check_page(judged, page)
    assert set(judged.verdicts.index[judged.verdicts["verdict"] != "good"]) == at_best_fair
    assert not judged.leaks
    assert (judged.score >= 80) == (not at_best_fair)


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_is_called_poor(name):
    synthetic, poor = GARBAGE[name]
    judged, page = judge(synthetic)
    check_page(judged, page)
    assert poor <= set(judged.verdicts.index[judged.verdicts["verdict"] == "poor"])
    assert judged.score < 50


@pytest.mark.parametrize("name", LEAKING)
def test_leaks_are_called_leaks(name):
    synthetic, poor = LEAKING[name]
    judged, page = judge(synthetic)
    check_page(judged, page)
    assert judged.leaks and judged.score < 50
    assert poor <= set(judged.verdicts.index[judged.verdicts["verdict"] == "poor"])


def test_garbage_is_poor_without_held_out_rows_and_nothing_is_good():
    judged = report(TRAIN, GARBAGE["noise with real names"][0], random_state=0)
    assert set(judged.verdicts["verdict"][[COLUMNS, PAIRS, "Two-sample AUC, train", COPIES]]) == {"poor"}
    assert judged.leaks and "“mail” (100.0% of rows)" in judged.leaks[0]
    assert report(TRAIN, FRESH, random_state=0).score == 79  # whether it leaks was not asked
