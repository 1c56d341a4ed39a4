"""Any table, with any parameters: every method gives a right answer or a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import event, given
from hypothesis import strategies as st

from skvae import VAETransformer
from tests.fuzz.checks import Refused, ask
from tests.fuzz.profiles import TABLES
from tests.fuzz.questions import QUESTIONS, Case, take
from tests.fuzz.strategies import arrays, frames, parameters

NOT_ASKED = {"get_params", "set_params", "get_metadata_routing", "set_callbacks", "to_onnx"}

WEIGHTS = {
    "none": lambda rng, n: None,
    "ones": lambda rng, n: np.ones(n),
    "uneven": lambda rng, n: rng.random(n),
    "zeros": lambda rng, n: (np.arange(n) % 2).astype(float),
    "tiny": lambda rng, n: np.full(n, 1e-300),
    "huge": lambda rng, n: np.full(n, 1e300),
}


def names_of(made: Any) -> list[Any]:
    """Names that columns may have, for parameters that speak of columns."""
    names = getattr(made, "names", "positions")
    return ["a", "b"] if names == "letters" else [0, 1]


@TABLES
@given(st.data())
def test_every_method_answers_or_says_why_not(data):
    made = data.draw(frames() | arrays(), label="table")
    n_rows = data.draw(st.sampled_from([24] * 5 + [40, 40, 12, 12, 5, 3, 2, 1]), label="rows")
    seed = data.draw(st.integers(0, 9), label="seed")
    X, new = made.make(n_rows, seed), made.make(5, seed + 10)
    vae = VAETransformer(**data.draw(parameters(names_of(made)), label="parameters"))
    weights = data.draw(st.sampled_from(["none"] * 5 + list(WEIGHTS)), label="weights")
    choice = data.draw(st.integers(0, 10_000), label="choice")
    questions = data.draw(st.lists(st.sampled_from(sorted(QUESTIONS)), min_size=2, max_size=4, unique=True))
    X_val = new if data.draw(st.sampled_from([False] * 5 + [True]), label="X_val") else None
    sample_weight = WEIGHTS[weights](np.random.default_rng(seed), n_rows)
    try:
        ask(vae.fit, X, sample_weight=sample_weight, X_val=X_val)
    except Refused as refused:
        event(f"fit refused: {str(refused)[:30]}")
        assert not vars(vae).keys() - vae.get_params().keys(), "a fit that was refused has left something"
        return
    event("fitted")
    if sample_weight is not None:
        X = take(X, np.flatnonzero(sample_weight).tolist())  # the rows that were seen
    for question in questions:
        QUESTIONS[question](Case(vae, X, new, choice))


def test_every_public_method_is_asked():
    public = {
        name for name in dir(VAETransformer) if not name.startswith("_") and callable(getattr(VAETransformer, name))
    }
    requests = {name for name in public if name.startswith("set_") and name.endswith("_request")}
    assert public - requests - NOT_ASKED <= set(QUESTIONS)
