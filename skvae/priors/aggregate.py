"""A mixture that is the aggregate posterior, by expectation and maximisation."""

from __future__ import annotations

import torch
from torch import Tensor

from skvae.objectives import DiagonalNormal
from skvae.priors.mixture import FreeMixture

N_STEPS = 20
SHUT = -1e4  # logit of a mode without a share: a number, which files hold, and 0 after the softmax
VARIANCE_MIN = 1e-8  # of a mode, next to float32's rounding of squares
FEWEST = 3  # rows that make a mode: one of fewer says where these are, and not what rows are like
EMPTY = 1e-6  # rows that a mode is given beside its own, so that none divides by zero


@torch.no_grad()
def mixture_of_posteriors(
    q: DiagonalNormal,
    n_modes: int,
    *,
    generator: torch.Generator,
    weights: Tensor | None = None,
    n_steps: int = N_STEPS,
) -> FreeMixture:
    r"""The mixture that best describes posteriors, which a network has left.

    .. math:: \max_{\pi, \mu, \sigma} \; \sum_n w_n \max_{r_n} \sum_c r_{nc}
              \big(E_{q(z \mid x_n)}[\log N(z; \mu_c, diag \, \sigma_c^2)] + \log \pi_c - \log r_{nc}\big)

    This bounds the prior's share of the ELBO, and each step raises it: no learning rate, and few steps. The modes start
    at posteriors of random rows. In the end those that tell fewer than three rows, by Kish's effective number, are
    shut, unless all are so small: a row far from all others would have a mode to itself, and be as probable as any.

    Parameters
    ----------
    q : DiagonalNormal of shape (1, N, K)
        The posteriors of N rows.
    n_modes : int
        Number C of Gaussians, N at most.
    generator : torch.Generator
        Source of the first modes.
    weights : Tensor of shape (N,), optional
        Weights of the rows.
    n_steps : int
        Steps.

    Returns
    -------
    FreeMixture
        A stack of one.

    References
    ----------
    Ghosh et al. (2020), From Variational to Deterministic Autoencoders, on ex-post density estimation; Dempster, Laird
    and Rubin (1977), for the steps. DIFFERS: rows are Gaussians and not points, so no mode is narrower than they are.

    Examples
    --------
    >>> loc = torch.tensor([[[-2.0], [-2.0], [2.0], [2.0]]])
    >>> q = DiagonalNormal(loc, torch.full_like(loc, 0.5))
    >>> prior = mixture_of_posteriors(q, 2, generator=torch.Generator().manual_seed(1))
    >>> prior.log_prob(torch.tensor([[[-2.0], [1.0], [2.0]]])).exp()
    tensor([[0.3989, 0.0540, 0.3989]], grad_fn=<ExpBackward0>)
    """
    loc, variance = q.loc[0], q.scale[0].square()
    square = loc.square() + variance
    weight = torch.ones_like(loc[:, 0]) if weights is None else weights.to(loc)
    share = weight / weight.sum()
    mean = loc[torch.multinomial(share, n_modes, generator=generator)]
    spread = (share @ square - (share @ loc).square()).clamp(min=VARIANCE_MIN).expand(n_modes, -1)
    size = loc.new_ones(n_modes)
    for _ in range(n_steps):
        mine = weight[:, None] * responsibilities(loc, square, mean, spread, size)
        size = mine.sum(dim=0) + EMPTY
        mean = mine.T @ loc / size[:, None]
        spread = (mine.T @ square / size[:, None] - mean.square()).clamp(min=VARIANCE_MIN)
    n_told = n_rows_told(responsibilities(loc, square, mean, spread, size), weight).round()
    is_shut = n_told < n_told.max().clamp(max=FEWEST)
    prior = FreeMixture(loc.shape[1], n_modes, torch.Generator()).to(loc)
    prior.loc.copy_(mean)
    prior.log_scale.copy_(0.5 * spread.log())
    prior.logits.copy_(torch.where(is_shut, SHUT, size.log() - weight.sum().log()))
    return prior


def responsibilities(loc: Tensor, square: Tensor, mean: Tensor, variance: Tensor, size: Tensor) -> Tensor:
    """How much of each row is each mode's. Shape: moments (N, K) both, modes (C, K) both, sizes (C,) -> (N, C)."""
    precision = 1 / variance
    constant = size.log() - 0.5 * (mean.square() * precision + variance.log()).sum(dim=-1)
    by_mode = constant + loc @ (mean * precision).T - 0.5 * square @ precision.T
    return by_mode.softmax(dim=-1)


def n_rows_told(responsible: Tensor, weight: Tensor) -> Tensor:
    r"""Effective number of rows of each mode, which modes at one place do not divide. Shape: (N, C), (N,) -> (C,).

    .. math:: \Big(\sum_n w_n r_{nc}\Big)^2 \Big/ \sum_n w_n r_{nc}^2
    """
    return (weight @ responsible).square() / (weight @ responsible.square()).clamp(min=EMPTY)
