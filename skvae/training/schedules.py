"""Learning rate and KL weight as functions of training progress."""

from __future__ import annotations

import math

WARMUP = 0.1  # share of training


def warmup_cosine(progress: float) -> float:
    """Linear warm-up over the first tenth, then a cosine to zero.

    Parameters
    ----------
    progress : float
        Share of the training budget that is used up, from 0 to 1.

    Returns
    -------
    float
        Factor of the learning rate.

    References
    ----------
    Loshchilov and Hutter (2017), SGDR, eq. (5), one cycle.

    Examples
    --------
    >>> [round(warmup_cosine(p), 3) for p in (0.05, 0.1, 0.55, 1.0)]
    [0.5, 1.0, 0.5, 0.0]
    """
    if progress < WARMUP:
        return progress / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (progress - WARMUP) / (1 - WARMUP)))


def kl_warmup(progress: float, share: float) -> float:
    """Linear growth from 0 to 1 over the first share of training, so that z is in use before it costs.

    Parameters
    ----------
    progress : float
        Share of the training budget that is used up, from 0 to 1.
    share : float
        Length of the warm-up; 0 for none.

    Returns
    -------
    float
        Factor of beta.

    References
    ----------
    Sønderby et al. (2016), Ladder Variational Autoencoders, section 2.3.

    Examples
    --------
    >>> [kl_warmup(p, 0.5) for p in (0.25, 0.5, 1.0)], kl_warmup(0.0, 0.0)
    ([0.5, 1.0, 1.0], 1.0)
    """
    return min(1.0, progress / share) if share else 1.0
