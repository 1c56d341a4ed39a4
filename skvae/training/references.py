"""Which earlier columns a column is told its distance from: those that say most by it."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from skvae.networks import RelativeLogits
from skvae.networks.relative import N_REFERENCES, N_STEPS, WINDOW

N_ROWS = 4000  # that the distances are counted on, at most
MIN_GAIN = 0.05  # nats that the distance says, at least


@torch.no_grad()
def choose_references(relative: RelativeLogits, x: Tensor, seed: int) -> None:
    r"""Give each column of numbers the earlier ones whose values tell most of its own, by their distance alone.

    What a distance says is the divergence of its distribution from that among rows that do not belong together,

    .. math:: KL\big(p(t_d - \tau_{dr}) \,\|\, p(\tilde t_d - \tau_{dr})\big)
              - \frac{k - 1 + 3 \sqrt{2 (k - 1)}}{n},

    where t̃ is t of another row, and the last term what chance says of k frequencies twice in n rows, with three
    standard deviations of χ² above its mean.

    Parameters
    ----------
    relative : RelativeLogits
        Is told of them in place.
    x : Tensor of shape (N, D)
        Training rows.
    seed : int
        Of the choice of rows that are looked at, and of the shuffle.
    """
    generator = torch.Generator(x.device).manual_seed(seed)
    rows = torch.randperm(len(x), generator=generator, device=x.device)[:N_ROWS]
    x = x[rows].unsqueeze(0)
    of_all = torch.arange(len(relative.rulers.columns), device=x.device).unsqueeze(0)
    values = relative.rulers.measure(x, of_all).transpose(1, 3)  # (1, C, 1, N)
    in_order, order = values.sort(dim=-1)  # levels of neighbours are found several times as fast
    place = order.argsort(dim=-1)[0, :, 0]
    for c, column in enumerate(relative.rulers.columns):
        earlier = [r for r in range(c) if relative.rulers.units[r] == relative.rulers.units[c]]
        if not earlier:
            continue
        level = x[0, :, column].nan_to_num(nan=-1.0).long()
        tau = relative.rulers.level_of(in_order[:, earlier], [c])[0, :, 0]
        tau = tau.gather(1, place[earlier])
        gains = torch.stack([_gain(level, of_reference, generator) for of_reference in tau])
        best = gains.argsort(descending=True)[:N_REFERENCES]
        chosen = [earlier[r] for r in best.tolist() if gains[r] > MIN_GAIN]
        relative.refer(c, chosen)


def _gain(level: Tensor, tau: Tensor, generator: torch.Generator) -> Tensor:
    """Nats that the distance from a reference says of a cell; −1 is no level. Shape: (N,), (N,) -> ()."""
    known = ((level >= 0) & (tau >= 0)).nonzero().squeeze(-1)
    level, tau = level[known], tau[known]
    n_rows = len(level)
    if not n_rows:
        return torch.zeros((), device=tau.device)
    other = level[torch.randperm(n_rows, generator=generator, device=level.device)]
    together, apart = _shares(level - tau), _shares(other - tau)
    by_chance = (N_STEPS - 1 + 3 * math.sqrt(2 * (N_STEPS - 1))) / n_rows
    return (together * (together / apart).log()).sum() - by_chance


def _shares(distance: Tensor) -> Tensor:
    """How often each clipped distance occurs, with half a time added to each. Shape: (N,) -> (steps,)."""
    counts = torch.bincount(distance.clamp(-WINDOW - 1, WINDOW + 1) + WINDOW + 1, minlength=N_STEPS) + 0.5
    return counts / counts.sum()
