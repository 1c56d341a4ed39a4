"""Fixed posterior draws: the same score for a row, whatever rows stand beside it."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def normal_nodes(n_nodes: int, n_components: int, *, seed: int = 0) -> Tensor:
    r"""Equally weighted nodes for expectations under a standard normal.

    Antithetic pairs ±ε whose columns have unit second moment and are orthogonal in groups of ``n_nodes / 2``:
    first moments and the variance of every component are exact, so the expected log-likelihood of a linear
    Gaussian decoder with a diagonal posterior is exact too, and other integrands lose their largest error.

    Parameters
    ----------
    n_nodes : int
        Number of nodes L, even.
    n_components : int
        Dimension K.
    seed : int
        Seed of the random rotation.

    Returns
    -------
    Tensor of shape (L, K), float64
        The nodes.

    References
    ----------
    Yu et al. (2016), Orthogonal random features; Caflisch (1998), Monte Carlo and quasi-Monte Carlo methods.

    Examples
    --------
    >>> nodes = normal_nodes(8, 3)
    >>> nodes.mean(dim=0).abs().max() < 1e-12, (nodes.T @ nodes / 8 - torch.eye(3)).abs().max() < 1e-12
    (tensor(True), tensor(True))
    """
    half = n_nodes // 2
    generator = torch.Generator().manual_seed(seed)
    n_groups = math.ceil(n_components / half)
    gaussian = torch.randn(n_groups, half, half, generator=generator, dtype=torch.float64)
    rotations, triangles = torch.linalg.qr(gaussian)
    rotations = rotations * triangles.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)  # uniform over rotations
    pairs = math.sqrt(half) * torch.cat(list(rotations), dim=1)[:, :n_components]
    return torch.cat([pairs, -pairs])
