import re
import uuid

import numpy as np
import pytest

from skvae.identifiers import Seen, Slot, TextForm, digests
from skvae.identifiers.text import filled

N = 400


def rng(seed=0):
    return np.random.default_rng(seed)


def letters(n, source):
    return "".join(source.choice(list("abcdefghijklmnopqrstuvwxyz"), n))


def new_of(texts, n=4000):
    drawn = TextForm.of(texts).new(n, rng(), Seen.of(digests(texts)))
    assert len(set(drawn.tolist())) == n == len(drawn)
    assert not set(drawn.tolist()) & set(texts)
    return drawn.tolist()


SOURCE = rng(1)
FORMS = {
    "prefixes": ([f"CUST{i:05}" for i in range(N)], r"CUST\d{5}"),
    "prefixes of two kinds": ([f"{'AT' if i % 3 else 'DE'}-{i + 1000}" for i in range(N)], r"(AT|DE)-[1-9]\d{3}"),
    "phones": ([f"+49 {170 + i % 2} {SOURCE.integers(10**6, 10**7)}" for i in range(N)], r"\+49 17[01] [1-9]\d{6}"),
    "uuids": ([str(uuid.UUID(bytes=SOURCE.bytes(16))) for _ in range(N)], r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "large hex": ([SOURCE.bytes(5).hex().upper() for _ in range(N)], r"[0-9A-F]{10}"),
    "letters and digits": (
        ["".join(SOURCE.choice(list("ABCDEXYZ0123456789"), 8)) for _ in range(N)],
        r"[0-9A-Z]{8}",
    ),
    "names": (
        [f"{letters(5, SOURCE).title()}, Mr{'s' * (i % 2)}. {letters(4, SOURCE).title()}" for i in range(N)],
        r"[A-Z][a-z]{4}, Mrs?\. [A-Z][a-z]{3}",
    ),
    "addresses": (
        [f"{letters(5, SOURCE)}.{letters(4, SOURCE)}@{'mail.org' if i % 4 else f'firm{i}.com'}" for i in range(N)],
        r"[a-z]{5}\.[a-z]{4}@mail\.org",
    ),
}


@pytest.mark.parametrize("what", FORMS)
def test_new_texts_have_the_form_of_the_others(what):
    texts, pattern = FORMS[what]
    assert all(re.fullmatch(pattern, text) for text in new_of(texts))


def test_words_that_few_rows_hold_are_not_drawn():
    texts = [f"{'smith' if i % 2 else letters(5, SOURCE)} {letters(6, SOURCE)}" for i in range(N)]
    words = {text.split()[0] for text in texts} - {"smith"}
    first = [text.split()[0] for text in new_of(texts)]
    assert first.count("smith") / len(first) == pytest.approx(0.5, abs=0.05)
    assert len(set(first) & words) < 5


def test_words_of_one_row_are_not_drawn_however_often_it_holds_them():
    texts = [" ".join([letters(6, SOURCE)] * int(n)) for n in SOURCE.integers(20, 90, N)]
    assert not {word for text in new_of(texts, 100) for word in text.split()} & {text.split()[0] for text in texts}


def test_free_text_is_words():
    words = ["the", "service", "was", "good", "bad"]
    texts = [f"{' '.join(SOURCE.choice(words, SOURCE.integers(3, 30)))} {letters(9, SOURCE)}!" for _ in range(N)]
    new = new_of(texts)
    n_words = [len(text.split()) for text in new]
    assert np.mean(n_words) == pytest.approx(np.mean([len(text.split()) for text in texts]), abs=0.5)
    assert {word for text in new for word in text.split() if len(word) < 8} == set(words)


def test_texts_grow_where_there_are_no_more_of_their_length():
    new = new_of([f"C{i}" for i in range(100)], 5000)
    assert all(re.fullmatch(r"C\d+", text) for text in new) and max(map(len, new)) > 3
    same = TextForm.of(["yes"] * 50).new(30, rng(), Seen.of(digests(["yes"])))
    assert all(re.fullmatch(r"yes\d*", text) for text in same) and len(set(same)) == 30


@pytest.mark.parametrize(
    "texts",
    [["", " "] * 30, ["@", "@.", "@a"] * 20, ["\ud800x"] * 60, ["山田太郎", "²³", "é_é", "a\nb", "Ⅷ"] * 20, ["x"]],
)
def test_no_text_is_too_odd(texts):
    new_of(texts, 50)


def test_taken_texts_are_not_drawn():
    form, seen = TextForm.of([f"{i:02}" for i in range(50)]), Seen.of(digests([]))
    taken = {f"{i:02}" for i in range(100)}
    assert not set(form.new(50, rng(), seen, taken)) & taken


def test_the_same_seed_draws_the_same_whatever_the_order_of_the_rows():
    texts = FORMS["names"][0]
    there, back = (TextForm.of(rows).new(20, rng(), Seen.of(digests(texts))).tolist() for rows in (texts, texts[::-1]))
    assert there == back


def test_classes_are_filled():
    assert re.fullmatch(r"\d[1-9][a-z][A-Z][0-9a-f][a-zA-Z]-_", filled("01aAhl-_", 1, rng())[0])
    assert filled("", 2, rng()).tolist() == ["", ""]


@pytest.mark.parametrize(
    ("words", "shapes", "weights"), [([], [], []), (["a"], [], [0.0]), (["a"], ["0"], [1.0]), ([], ["b"], [1.0])]
)
def test_impossible_slots_are_refused(words, shapes, weights):
    with pytest.raises(ValueError, match=r"word and shape|unknown classes"):
        Slot(words, shapes, np.array(weights))


@pytest.mark.parametrize(("layouts", "weights"), [([], []), ([[]], [1.0]), ([[1]], [1.0]), ([[0]], [np.inf])])
def test_impossible_forms_are_refused(layouts, weights):
    with pytest.raises(ValueError, match="layouts"):
        TextForm([Slot(["a"], [], np.ones(1))], layouts, np.array(weights))
