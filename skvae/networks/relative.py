"""Where the value of an earlier cell falls among the levels of a later column."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from skvae.likelihoods import Ruler
from skvae.networks.rulers import Rulers

N_REFERENCES = 4  # of a column, at most
WINDOW = 8  # levels to either side that a kernel tells apart
N_STEPS = 2 * WINDOW + 3  # of a kernel: each of these, and all beyond them on either side
OWN_LEVEL = WINDOW + 1  # position, in a kernel, of the level in which the reference falls
N_KERNELS = 2  # of a pair, mixed by gates
KERNEL_STD = 0.1  # of the initial kernels but the first of a pair; the gates of those begin closed


class RelativeLogits(nn.Module):
    r"""Logits of a column's levels by their distance from the level in which the value of an earlier cell falls.

    .. math:: \eta_d[t] \mathrel{+}= \sum_{r, m} g_{drm}(h_d) \, K_{drm}\big[t - \tau_{dr}\big], \qquad
              g_{drm}(h) = 1[m = 0] + w_{drm} \cdot h

    where τ_dr is the level of d in which the value of its reference r, an earlier column of the same unit, lies, and
    h_d the hidden vector of d. That a bill is near that of the month before takes 19 numbers instead of a matrix of
    levels. Kernels begin at zero, and are constant beyond eight levels; a pair has some for levels that are ranges and
    some for levels that are single values. A gap says nothing, nor does a value outside of the range of d.

    Parameters
    ----------
    rulers : list of C Rulers
        The columns that have levels, in the order of the row.
    first_output : dict of int to int
        Where the logits of each of them begin among all outputs.
    width : int
        Length H of a hidden vector.
    generator : torch.Generator
        Source of the initial kernels.

    References
    ----------
    Shaw, Uszkoreit and Vaswani (2018), Self-Attention with Relative Position Representations, for weights by a clipped
    distance. Here it is one of values.
    """

    def __init__(
        self, rulers: list[Ruler], first_output: dict[int, int], width: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.rulers = Rulers(rulers)
        pairs = (len(rulers), N_REFERENCES)
        self.register_buffer("reference", torch.full(pairs, -1.0))  # its position; a float, as files hold these
        # added to the logit of each range where it is that of the reference: see shift_met
        self.register_buffer("met", torch.zeros(*pairs, max(self.rulers.n_levels)))
        outputs = [torch.arange(len(ruler.begins)) + first_output[ruler.column] for ruler in rulers]
        self.register_buffer("outputs", torch.cat(outputs))
        self.n_places = max(self.rulers.n_levels) + 1  # the one after the last level takes what comes later
        self.register_buffer("n_levels", torch.tensor(self.rulers.n_levels).view(-1, 1))
        places = [torch.arange(n) + c * self.n_places for c, n in enumerate(self.rulers.n_levels)]
        self.register_buffer("places", torch.cat(places))  # of the levels, where columns are padded to one width
        self.gates = nn.Parameter(torch.zeros(1, *pairs, N_KERNELS, width))
        kernels = KERNEL_STD * torch.randn(1, *pairs, 2, N_KERNELS, N_STEPS, generator=generator)
        kernels[..., 0, :] = 0.0
        self.kernels = nn.Parameter(kernels)

    def forward(self, x: Tensor, hidden: Tensor, outputs: Tensor) -> Tensor:
        """Outputs with what the references say added. Shape: (S, B, D), (S, B, D, H), (S, B, T) -> (S, B, T)."""
        columns = self._with_references()
        if not columns:
            return outputs
        hidden = hidden.index_select(2, self.rulers.get_buffer("position")[columns])
        outputs_of = torch.split(self.get_buffer("outputs"), self.rulers.n_levels)
        told = torch.cat([outputs_of[c] for c in columns])
        return outputs.index_add(-1, told, self._logits(x, hidden, columns).to(outputs.dtype))

    def of_column(self, j: int, x: Tensor, hidden: Tensor, logits: Tensor) -> Tensor:
        """``forward`` for the outputs of one column alone. Shape: (S, B, D), (S, B, H), (S, B, T_j) -> (S, B, T_j)."""
        c = self.rulers.columns.index(j)
        return logits + self._logits(x, hidden.unsqueeze(2), [c]).to(logits.dtype)

    def tells(self, j: int) -> bool:
        """Whether something is added to the logits of a column: whether it has references."""
        return j in self.rulers.columns and bool(self.get_buffer("reference")[self.rulers.columns.index(j), 0] >= 0)

    def refer(self, c: int, references: list[int]) -> None:
        """Let the column with the ruler at a position have those at others as references."""
        reference = self.get_buffer("reference")
        reference[c] = -1.0
        reference[c, : len(references)] = torch.tensor(references, dtype=reference.dtype, device=reference.device)

    def _with_references(self) -> list[int]:
        """The columns that have any. On a GPU, which would have to be waited for, these are all."""
        reference = self.get_buffer("reference")
        if reference.device.type != "cpu":
            return list(range(len(reference)))
        has_any: list[int] = (reference[:, 0] >= 0).nonzero().flatten().tolist()
        return has_any

    def level_of_reference(self, x: Tensor, columns: list[int]) -> Tensor:
        """Level of each column in which its references fall; −1 where they say nothing. (S, B, D) -> (S, B, C', R)."""
        reference = self.get_buffer("reference")[columns].long().clamp(-1, len(self.rulers.columns) - 1)
        values = self.rulers.measure(x, reference.clamp(min=0))
        return self.rulers.level_of(values, columns).masked_fill(reference < 0, -1)

    def ranges_met(self, j: int, x: Tensor) -> dict[int, Tensor]:
        """The level in which the value of each reference of a column lies; −1 for no range. (S, B, D) -> (S, B)."""
        c = self.rulers.columns.index(j)
        tau = self.level_of_reference(x, [c])
        tau = tau.masked_fill(self.rulers.are_single(tau, [c]), -1)
        chosen = self.get_buffer("reference")[c].long().tolist()
        return {self.rulers.columns[r]: tau[:, :, 0, k] for k, r in enumerate(chosen) if r >= 0}

    def shift_met(self, j: int, reference: int, shift: Tensor) -> None:
        """Add to the logit of each range, where the value of a reference lies in it. Shape: (T_j,)."""
        c, r = self.rulers.columns.index(j), self.rulers.columns.index(reference)
        k = self.get_buffer("reference")[c].long().tolist().index(r)
        self.get_buffer("met")[c, k, : len(shift)] += shift

    def _logits(self, x: Tensor, hidden: Tensor, columns: list[int]) -> Tensor:
        """Additions to the logits of some columns, side by side. Shape: (S, B, D), (S, B, C', H) -> (S, B, T')."""
        tau = self.level_of_reference(x, columns)
        kernels = self._kernels(tau, hidden, columns)
        return self._spread(tau, kernels, columns)

    def _kernels(self, tau: Tensor, hidden: Tensor, columns: list[int]) -> Tensor:
        """The mixed kernel of each pair. Shape: (S, B, C', R), (S, B, C', H) -> (S, B, C', R, steps)."""
        gates = torch.einsum("sbch,scrmh->sbcrm", hidden, self.gates[:, columns].to(hidden.dtype))
        gates = gates + gates.new_tensor([1.0] + [0.0] * (N_KERNELS - 1))
        is_single = self.rulers.are_single(tau, columns)
        states = torch.stack([(tau >= 0) & ~is_single, (tau >= 0) & is_single], dim=-1).to(gates.dtype)
        mixture = (states.unsqueeze(-1) * gates.unsqueeze(-2)).flatten(-2)  # (S, B, C', R, 2 m)
        kernels = self.kernels[:, columns].flatten(3, 4).to(gates.dtype)
        mixed = torch.einsum("sbcrm,scrmk->sbcrk", mixture, kernels).to(self.kernels.dtype)
        met = states[..., 0].to(mixed.dtype) * self._of_met(tau, columns).to(mixed.dtype)
        return mixed + met.unsqueeze(-1) * (torch.arange(N_STEPS, device=met.device) == OWN_LEVEL)

    def _of_met(self, tau: Tensor, columns: list[int]) -> Tensor:
        """What is added to the logit of the level that each reference meets. Shape: (S, B, C', R), kept."""
        met = self.get_buffer("met")[columns]
        column, reference = (torch.arange(n, device=tau.device) for n in met.shape[:2])
        return met[column.unsqueeze(-1), reference, tau.clamp(min=0)]

    def _spread(self, tau: Tensor, kernels: Tensor, columns: list[int]) -> Tensor:
        """Kernels, each around its level, added up by column. Shape: (S, B, C', R, steps) -> (S, B, T').

        A kernel is the running sum of its differences, of which only 19 are not zero.
        """
        distance = torch.arange(N_STEPS, device=tau.device) - OWN_LEVEL
        begin = (tau.unsqueeze(-1) + distance).clamp_(min=0)
        begin[..., 0] = 0
        begin = torch.minimum(begin.flatten(-2), self.get_buffer("n_levels")[columns])
        rises = torch.diff(kernels, dim=-1, prepend=torch.zeros_like(kernels[..., :1])).flatten(-2)
        logits = rises.new_zeros(*rises.shape[:3], self.n_places).scatter_add(-1, begin, rises).cumsum(dim=-1)
        places_of = torch.split(self.get_buffer("places"), self.rulers.n_levels)
        places = torch.cat([places_of[c] + (i - c) * self.n_places for i, c in enumerate(columns)])
        return logits.flatten(2).index_select(-1, places)
