"""Membership by the density of the model itself."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from skvae.metrics.attacks.outcome import Membership
from skvae.metrics.frames import Floats

METHODS = ("score_samples", "log_likelihood")


class Density(Protocol):
    """A fitted object with ``score_samples`` or ``log_likelihood``: the log-density of each row."""


def scoring_methods(model: object) -> list[str]:
    """Names of the methods by which a model scores rows.

    Raises
    ------
    TypeError
        Where there is none.
    """
    found = [name for name in METHODS if callable(getattr(model, name, None))]
    if not found:
        raise TypeError(
            f"An attack by likelihood needs a fitted model that scores rows, but {type(model).__name__} has neither "
            f"{METHODS[0]} nor {METHODS[1]}. Pass such a model, or leave it out."
        )
    return found


def likelihood_attack(
    model: Density,
    members: pd.DataFrame,
    others: pd.DataFrame,
    *,
    reference_model: Density | None = None,
    method: str | None = None,
) -> Membership:
    r"""Membership by the likelihood of a model: rows that it has learned are likelier than others.

    A row is judged by :math:`\log p(x)`, or relative to a model of other rows, which knows how likely it is anyway,

    .. math:: \log p(x) - \log p_\mathrm{ref}(x).

    It needs the model, or its file, and not only rows that were drawn from it.

    Parameters
    ----------
    model : object
        Fitted, with ``score_samples`` or ``log_likelihood``: a ``VAETransformer``, a ``GaussianMixture`` ...
    members : DataFrame of shape (m, D)
        Rows that the model was trained on.
    others : DataFrame of shape (n, D)
        Rows of the same distribution that it has not seen, and the reference model neither.
    reference_model : object or None
        A model of the same kind, fitted on other rows of the distribution; None for the raw likelihood.
    method : str or None
        Name of the method that scores rows; None takes the first of "score_samples" and "log_likelihood" that
        ``model`` has.

    Returns
    -------
    Membership

    References
    ----------
    Carlini et al. (2022), Membership Inference Attacks from First Principles: the offline attack with one reference
    model.

    Examples
    --------
    >>> from sklearn.neighbors import KernelDensity
    >>> rng = np.random.default_rng(0)
    >>> train, fresh = (pd.DataFrame(rng.normal(size=(200, 3))) for _ in range(2))
    >>> likelihood_attack(KernelDensity(bandwidth=0.01).fit(train), train, fresh).auc
    1.0
    """
    name = method or scoring_methods(model)[0]
    scores = [_scores(model, name, rows) for rows in (members, others)]
    attack = f"likelihood ({name})"
    if reference_model is not None:
        attack = f"relative {attack}"
        expected = [_scores(reference_model, name, rows) for rows in (members, others)]
        scores = [own - other for own, other in zip(scores, expected, strict=True)]
    return Membership.of(attack, "model", scores[0], scores[1])


def _scores(model: object, name: str, rows: pd.DataFrame) -> Floats:
    scores = getattr(model, name, None)
    if scores is None:
        raise TypeError(
            f"Both models must score rows by the same method, but {type(model).__name__} has no {name}. "
            f"Pass method= or another model."
        )
    return np.asarray(scores(rows), dtype=np.float64)
