"""Texts that never repeat: what they have in common, and new ones that have it, too."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from skvae.identifiers.seen import Seen

Floats = NDArray[np.floating[Any]]
Texts = NDArray[np.object_]
Layout = tuple[str, ...]
Key = TypeVar("Key", str, Layout)

SHARED_ROWS, SHARED = 10, 0.02  # rows, and share of the rows, from which on a word is a word of the column
LAYOUT_ROWS, LAYOUT = 5, 0.01  # and a layout one of its layouts
ENOUGH = 0.5  # share of the rows that such layouts must cover; else texts are words with spaces between
MIXED = 0.05  # share of the texts in which a letter follows a digit, from which on their words are not parted there
MAX_SHAPES, MAX_LAYOUTS, MAX_WORDS = 100, 10, 200
BARREN = 0.1  # share of the draws that are new, below which texts become longer

WHOLE = re.compile(r"@[\w.-]+|[^\W_]+|[\W_]")  # a domain, letters and digits, or another character
PARTED = re.compile(r"@[\w.-]+|[^\W\d_]+|\d+|[\W_]")
LETTER_AFTER_DIGIT = re.compile(r"\d[^\W\d_]")

DIGITS, LOWER, UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CLASSES = {
    "0": DIGITS,
    "1": DIGITS[1:],
    "a": LOWER,
    "A": UPPER,
    "h": DIGITS + "abcdef",
    "H": DIGITS + "ABCDEF",
    "x": DIGITS + LOWER,
    "X": DIGITS + UPPER,
    "l": LOWER + UPPER,
    "w": DIGITS + LOWER + UPPER,
}
"""What a letter or digit of a shape stands for; any other character stands for itself."""


@dataclass(frozen=True)
class Slot:
    """A place of a text: a word that many rows share, or characters of the classes that its words have.

    Attributes
    ----------
    words, shapes : list of str
        What may be drawn: words as they are, and shapes, of which each letter and digit stands for a class.
    weights : ndarray of shape (n_words + n_shapes,)
        How often each occurred.
    """

    words: list[str]
    shapes: list[str]
    weights: Floats

    def __post_init__(self) -> None:
        is_complete = self.weights.shape == (len(self.words) + len(self.shapes),)
        if not (is_complete and len(self.weights) and (self.weights > 0).all() and np.isfinite(self.weights).all()):
            raise ValueError("each word and shape of a text needs a positive weight")
        if any(mark.isalnum() and mark not in CLASSES for mark in "".join(self.shapes)):
            raise ValueError("a shape stands for characters of unknown classes")

    @classmethod
    def of(cls, counts: Counter[str], shared: Set[str], mark: str | None = None) -> Slot:
        """Learn from how often each word occurs, and which of them many rows share.

        With a mark, all characters of the others are of the class that it stands for.
        """
        words, shapes = Counter[str](), Counter[str]()
        for word, n in counts.items():
            if word in shared:
                words[word] += n
            else:
                shapes[_shape_of(word) if mark is None else mark * len(word)] += n
        first, then = most_frequent(words, len(words)), most_frequent(shapes, MAX_SHAPES)
        return cls(list(first), list(then), np.array([*first.values(), *then.values()], dtype=float))

    @classmethod
    def of_place(cls, words: Sequence[str], n_rows: int, *, parted: bool) -> Slot:
        """Learn from the words at one place of some rows of a column of so many."""
        counts = Counter(words)
        shared, is_domain = shared_by_many(counts, n_rows), is_domain_name(words[0])
        if shared and is_domain:  # a domain of few rows is drawn as one that many share
            counts = Counter({word: counts[word] for word in shared})
        mark = None if parted or is_domain else _mark_of("".join(counts.keys() - shared))
        return cls.of(counts, shared, mark)

    def draw(self, n: int, rng: np.random.Generator, n_more: int = 0) -> Texts:
        """Draw words, whose shapes are so many characters longer. Shape: (n,)."""
        chosen = rng.choice(len(self.weights), size=n, p=self.weights / self.weights.sum())
        drawn = np.empty(n, dtype=object)
        for k in np.unique(chosen).tolist():
            where = np.flatnonzero(chosen == k)
            if k < len(self.words):
                drawn[where] = self.words[k]
            else:
                drawn[where] = filled(_longer(self.shapes[k - len(self.words)], n_more), len(where), rng)
        return drawn


@dataclass(frozen=True)
class TextForm:
    """What texts have in common: layouts, each a row of slots.

    Attributes
    ----------
    slots : list of Slot
        The places of all layouts.
    layouts : list of lists of int
        Positions of the slots of each layout.
    weights : ndarray of shape (n_layouts,)
        How often each layout occurred.

    Examples
    --------
    >>> from skvae.identifiers import digests
    >>> texts = [f"AB-{i}" for i in range(100, 999)]
    >>> TextForm.of(texts).new(2, np.random.default_rng(0), Seen.of(digests(texts))).tolist()
    ['AB-8241', 'AB-9456']
    """

    slots: list[Slot]
    layouts: list[list[int]]
    weights: Floats

    def __post_init__(self) -> None:
        used = {place for layout in self.layouts for place in layout}
        if self.weights.shape != (len(self.layouts),) or not used or not used <= set(range(len(self.slots))):
            raise ValueError("the layouts of a text are made of its slots, and each has a weight")
        if not ((self.weights > 0).all() and np.isfinite(self.weights).all()):
            raise ValueError("the weights of layouts are positive")

    @classmethod
    def of(cls, texts: Sequence[str]) -> TextForm:
        """Learn from some texts, one at least."""
        n_mixed = sum(LETTER_AFTER_DIGIT.search(text) is not None for text in texts)
        parted = n_mixed < MIXED * len(texts)
        rows_of: dict[Layout, list[list[str]]] = {}
        for text in texts:
            words = (PARTED if parted else WHOLE).findall(text)
            rows_of.setdefault(_layout_of(words, parted=parted), []).append(words)
        n_least = max(LAYOUT_ROWS, LAYOUT * len(texts))
        counts = Counter({layout: len(rows) for layout, rows in rows_of.items() if layout and len(rows) >= n_least})
        frequent = most_frequent(counts, MAX_LAYOUTS)
        if sum(frequent.values()) < ENOUGH * len(texts):
            return cls._of_words(texts)
        slots, layouts = list[Slot](), list[list[int]]()
        for layout in frequent:
            layouts.append(list(range(len(slots), len(slots) + len(layout))))
            places = zip(*rows_of[layout], strict=True)
            slots += [Slot.of_place(words, len(texts), parted=parted) for words in places]
        return cls(slots, layouts, np.array(list(frequent.values()), dtype=float))

    @classmethod
    def _of_words(cls, texts: Sequence[str]) -> TextForm:
        """Texts without layouts of their own: so many words, with spaces between."""
        words_of = [text.split() for text in texts]
        n_words = Counter(min(max(1, len(words)), MAX_WORDS) for words in words_of)
        counts = Counter(itertools.chain.from_iterable(words_of)) or Counter("a")
        n_holders = Counter(itertools.chain.from_iterable(map(set, words_of)))
        of_word = Slot.of(counts, shared_by_many(n_holders, len(texts)))
        layouts = [[0] + [1, 0] * (n - 1) for n in sorted(n_words)]
        weights = np.array([n_words[n] for n in sorted(n_words)], dtype=float)
        return cls([of_word, Slot([" "], [], np.ones(1))], layouts, weights)

    def new(self, n: int, rng: np.random.Generator, seen: Seen, taken: Set[str] = frozenset()) -> Texts:
        """Draw texts that differ from one another, and from those that were seen or are taken. Shape: (n,)."""
        drawn, n_more = dict[str, None](), 0
        while len(drawn) < n:
            n_before, n_asked = len(drawn), n - len(drawn)
            texts = self._draw(n_asked + n_asked // 4 + 8, rng, n_more)
            for text in texts[~seen.may_hold(texts)].tolist():
                if text not in taken:
                    drawn[text] = None
            n_more += len(drawn) - n_before < BARREN * len(texts)
        first = np.empty(n, dtype=object)
        first[:] = list(drawn)[:n]
        return first

    def _draw(self, n: int, rng: np.random.Generator, n_more: int) -> Texts:
        """Draw texts, which are so many characters longer. Shape: (n,)."""
        chosen = rng.choice(len(self.layouts), size=n, p=self.weights / self.weights.sum())
        texts = np.full(n, "", dtype=object)
        for k in np.unique(chosen).tolist():
            where, layout = np.flatnonzero(chosen == k), self.layouts[k]
            grows = next((place for place in layout if self.slots[place].shapes), None)
            for place in layout:
                texts[where] += self.slots[place].draw(len(where), rng, n_more if place == grows else 0)
            if grows is None:
                texts[where] += filled("0" * n_more, len(where), rng)
        return texts


def filled(shape: str, n: int, rng: np.random.Generator) -> Texts:
    """Random characters of the classes of a shape. Shape: (n,).

    Examples
    --------
    >>> filled("AA-00", 2, np.random.default_rng(0)).tolist()
    ['WN-30', 'QH-00']
    """
    characters = np.empty((n, len(shape)), dtype="U1")
    for at, mark in enumerate(shape):
        alphabet = np.array(list(CLASSES.get(mark, mark)))
        characters[:, at] = alphabet[rng.integers(len(alphabet), size=n)]
    if not shape:
        return np.full(n, "", dtype=object)
    return characters.view(f"U{len(shape)}").ravel().astype(object)


def _shape_of(word: str) -> str:
    """The class of each character of a word: letters without a case are small, and "1" begins a number without zeros.

    Examples
    --------
    >>> _shape_of("O'Neil"), _shape_of("007"), _shape_of("1024")
    ("A'Aaaa", '000', '1000')
    """
    marks = (("0" if c.isdigit() else "A" if c.isupper() else "a") if c.isalnum() else c for c in word)
    shape = "".join(marks)
    return f"1{shape[1:]}" if shape.startswith("0") and not word.startswith("0") else shape


def _mark_of(characters: str) -> str:
    """The smallest class that has all of some letters and digits, as far as they are those of ASCII."""
    for mark in ("0", "h", "H", "a", "A", "x", "X", "l"):
        if set(characters) <= set(CLASSES[mark]):
            return mark
    return "w"


def _longer(shape: str, n_more: int) -> str:
    """A shape with more of its last letter or digit."""
    last = max((at for at, mark in enumerate(shape) if mark in CLASSES), default=-1)
    mark = "0" if last < 0 or shape[last] == "1" else shape[last]
    return shape[: last + 1] + mark * n_more + shape[last + 1 :]


def _layout_of(words: Sequence[str], *, parted: bool) -> Layout:
    """What kind of word is where: a domain, letters, digits, or both; other characters are themselves."""
    kinds = []
    for word in words:
        if is_domain_name(word):
            kinds.append("domain")
        elif not word.isalnum():
            kinds.append(word)
        elif not parted:
            kinds.append("both")
        else:
            kinds.append("digits" if word.isdigit() else "letters")
    return tuple(kinds)


def is_domain_name(word: str) -> bool:
    """Whether a word is what follows the name in an address."""
    return len(word) > 1 and word.startswith("@")


def shared_by_many(n_holders: Mapping[str, int], n_rows: int) -> set[str]:
    """Words that so many of the rows hold that they belong to the column."""
    return {word for word, n in n_holders.items() if n >= max(SHARED_ROWS, SHARED * n_rows)}


def most_frequent(counts: Counter[Key], n: int) -> dict[Key, int]:
    """So many of the most frequent, in an order that does not depend on that of the rows."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:n])
