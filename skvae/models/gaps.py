"""Draws of the cells of a row that are not known, given those that are."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skvae.messages import warn_user
from skvae.networks import VAE, complete

N_PARTICLES = 200  # of a row with gaps, at least
PARTICLES_PER_DRAW = 8  # of multiple imputation: fewer would repeat themselves, and intervals be too narrow
POOL, DRAWS_PER_POOL = 4096, 256  # particles and draws of one condition, which many rows share
ENOUGH = 2.0  # effective particles of a row with gaps; fewer are worth a warning
CELLS = 20_000_000  # of particles in memory at once


def draw_under_condition(vae: VAE, x: Tensor, n_samples: int, generator: torch.Generator) -> Tensor:
    """Many rows under one condition, each pool of particles giving some of them. Shape: (D,) -> (n_samples, D)."""
    n_pools = math.ceil(n_samples / DRAWS_PER_POOL)
    draws = draw_gaps(vae, x.expand(n_pools, -1), DRAWS_PER_POOL, POOL, generator, enough=DRAWS_PER_POOL / 10)
    return draws.transpose(0, 1).flatten(0, 1)[:n_samples]


def draw_gaps(
    vae: VAE, x: Tensor, n_draws: int, n_particles: int, generator: torch.Generator, *, enough: float = ENOUGH
) -> Tensor:
    """Complete each row several times. Shape: (N, D) -> (M, N, D)."""
    if not len(x):
        return x.new_empty((n_draws, *x.shape))
    width = max(x.shape[1] * 128, vae.n_outputs)
    size = max(1, CELLS // (n_particles * width))
    parts = [complete(vae, rows, n_draws, n_particles, generator) for rows in torch.split(x, size)]
    effective = torch.cat([part.effective for part in parts])
    is_rare = ~(effective >= enough)  # no particle at all is rare, too
    if float(is_rare.double().mean()) > 0.1:
        warn_user(
            f"The known cells of {int(is_rare.sum())} of {len(x)} row(s) are so rare together that {n_draws} draw(s) "
            f"rest on an effective sample size of {float(effective[is_rare].median()):.1f} out of {n_particles}: draws "
            f"resemble one another. Give fewer cells, or a more frequent combination.",
        )
    return torch.cat([part.x for part in parts], dim=1)
