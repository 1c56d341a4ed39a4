"""The last step of an autoregressive model: its columns are drawn as often as they were seen."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import torch
from torch import Tensor

from skvae.likelihoods import Block
from skvae.networks import VAE, Chain

N_ROUNDS = 10
N_TURNS = 3  # of matching the levels that other values lie in, and all levels
N_HALVINGS = 40  # of the range in which a shift is looked for
MOST = 10.0  # of such a shift
N_DRAWN = 10  # rows with the share that is drawn, which each level has besides its own
MAX_ROWS = 60_000  # drawn at once: fewer would leave the noise of their own frequencies
ROWS = 10  # drawn for each training row, at most
CELLS = 120_000_000  # of their hidden vectors, at most
LOGITS = 20_000_000  # of their levels that are in memory at once, at most
LEAST = 1e-100  # probability of a level in a row: no level is so rare that no shift would find it
PART = 4_000_000  # of these that are computed with at once


@torch.no_grad()
def match_marginals(
    model: VAE | Chain,
    x: Tensor,
    generator: torch.Generator,
    weights: Tensor | None = None,
    copies: Collection[tuple[int, int]] = (),
) -> None:
    r"""Shift the biases of categories and histograms until the probabilities of levels average to frequencies.

    .. math:: E_{z \sim p(z), \, x_{<d} \sim p(\cdot \mid z)} \big[p(x_d = k \mid x_{<d}, z)\big] = \frac{n_k}{n}

    Rows are drawn column by column. Each column is matched by iterative proportional fitting before it is drawn, on
    the probabilities themselves and not on counts, and then drawn with stratified uniform numbers, so that there is
    hardly any noise. It repairs what aggregate posteriors that are not the prior, and errors of earlier columns, do to
    the frequencies of later ones. Columns with gaps that no indicator explains, and other families, are left alone. Of
    wide columns fewer rows are drawn, so that memory is bounded.

    Parameters
    ----------
    model : VAE or Chain
        A stack of one, with an autoregressive decoder if it is a VAE; its biases are changed in place.
    x : Tensor of shape (N, D)
        Training rows.
    generator : torch.Generator
        Source of the drawn rows.
    weights : Tensor of shape (N,), optional
        Weight of each training row.
    copies : collection of pairs of ints
        Columns that may copy an earlier one, and that one: how often a cell lies in the level of the other's value is
        matched, too, level by level.

    References
    ----------
    Deming and Stephan (1940), On a least squares adjustment of a sampled frequency table, for the fitting.
    """
    columns = by_column_of(model)
    most = MAX_ROWS if isinstance(model, VAE) else MAX_ROWS // 2  # there is no z to be drawn
    n_logits = sum(columns.widths) if isinstance(model, VAE) else max(columns.widths)  # z gives all columns at once
    n_rows = max(1, min(most, ROWS * len(x), CELLS // (128 * x.shape[1]), LOGITS // max(1, n_logits)))
    tuner = Tuner(model, x, generator, weights, copies)
    rows = x.new_full((1, n_rows, x.shape[1]), torch.nan)
    if isinstance(model, VAE):
        z = model.prior.sample(n_rows, x, generator)
        columns.complete(model.joint, z, rows, generator, tune=tuner.tune)
    else:
        columns.complete(rows, generator, tune=tuner.tune)


def by_column_of(model: VAE | Chain) -> Any:
    """The part of a model whose columns have biases."""
    return model.decoder if isinstance(model, VAE) else model


class Tuner(NamedTuple):
    """Matches one column after another, before it is drawn; see ``match_marginals`` for what it is made of."""

    model: VAE | Chain
    x: Tensor
    generator: torch.Generator
    weights: Tensor | None
    copies: Collection[tuple[int, int]]

    def tune(self, j: int, block: Block, rows: Tensor, heads: dict[str, Tensor]) -> dict[str, Tensor]:
        """Heads of column j of drawn rows after a shift of its biases, which would draw it in equal parts."""
        has_cell = self._have_cell(j, rows)
        if set(heads) != {"logits"} or not self._is_explained(j) or not has_cell.any():
            return heads
        logits = heads["logits"][0]
        shares = self._shares(j, logits.shape[-1])
        met = met_ranges(self.model, j, [reference for column, reference in self.copies if column == j], rows, self.x)
        for _ in range(N_TURNS if met else 1):
            for reference, (drawn, seen) in met.items():
                logits = logits + self._shift_met(j, reference, logits, has_cell, drawn, seen)
            shift = proportional_fit(logits[has_cell], shares).to(self.x.dtype)
            by_column_of(self.model).shift_column(j, shift)
            logits = logits + shift
        return {"logits": stratified(logits, self.generator).unsqueeze(0)}

    def _have_cell(self, j: int, rows: Tensor) -> Tensor:
        """Which drawn rows have no gap in column j. Shape: (1, M, D) -> (M,)."""
        indicators = self.model.joint.indicators
        if j in indicators:
            return rows[0, :, indicators[j]] < 1
        return torch.ones_like(rows[0, :, j], dtype=torch.bool)

    def _is_explained(self, j: int) -> bool:
        """Whether column j has no gaps in training, or an indicator that says where."""
        return j in self.model.joint.indicators or not bool(self.x[:, j].isnan().any())

    def _shares(self, j: int, n_levels: int) -> Tensor:
        """Frequency of each level of column j in training. Shape: (T,)."""
        is_observed = ~self.x[:, j].isnan()
        of_rows = None if self.weights is None else self.weights[is_observed].double()
        counts = torch.bincount(self.x[is_observed, j].long(), of_rows, minlength=n_levels) + 0.5
        return counts / counts.sum()

    def _shift_met(
        self, j: int, reference: int, logits: Tensor, has_cell: Tensor, drawn: Tensor, seen: Tensor
    ) -> Tensor:
        """Match how often cells lie in the level of what they copy, and give what it adds. Shape: (M, T), kept."""
        shifts = shifts_of_met(logits[has_cell], drawn[has_cell], self.x[:, j], seen, self.weights).to(logits.dtype)
        by_column_of(self.model).relative.shift_met(j, reference, shifts)
        is_met = torch.arange(logits.shape[-1], device=self.x.device) == drawn.unsqueeze(-1)
        return shifts * is_met


def met_ranges(
    model: VAE | Chain, j: int, references: list[int], rows: Tensor, x: Tensor
) -> dict[int, tuple[Tensor, Tensor]]:
    """Levels of a column in which values of some of its references lie, in draws and in training rows; −1 for none.

    Shape: rows (1, M, D), x (N, D) -> (M,) and (N,) each.
    """
    if not references or not isinstance(model, Chain) or model.relative is None:
        return {}
    drawn, seen = model.relative.ranges_met(j, rows), model.relative.ranges_met(j, x.unsqueeze(0))
    return {reference: (drawn[reference][0], seen[reference][0]) for reference in references if reference in drawn}


def shifts_of_met(logits: Tensor, drawn: Tensor, x: Tensor, seen: Tensor, weights: Tensor | None = None) -> Tensor:
    """What is added to the logit of each level that is met, so that cells lie there as often as in training. (T,).

    Parameters
    ----------
    logits : Tensor of shape (M, T)
        Of the levels, in draws.
    drawn : Tensor of int of shape (M,)
        Levels that are met there; −1 for none.
    x, seen : Tensors of shape (N,)
        Training cells, and the levels that they met.
    weights : Tensor of shape (N,), optional
        Weight of each training row.
    """
    n_levels, could_be, is_met = logits.shape[-1], (seen >= 0) & ~x.isnan(), drawn >= 0
    own = torch.ones_like(x, dtype=torch.float64) if weights is None else weights.double()
    is_same = x[could_be].long() == seen[could_be]
    n_met, n_same = (torch.bincount(seen[could_be], own[could_be] * part, n_levels) for part in (1, is_same))
    level = drawn[is_met]
    shares = torch.softmax(logits[is_met].double(), dim=-1).gather(1, level.unsqueeze(-1)).squeeze(-1)
    log_odds = shares.logit(eps=1e-12)
    shift = _shifts(log_odds, torch.zeros_like(level), (n_same.sum() + 0.5).unsqueeze(0) / (n_met.sum() + 1))
    log_odds = log_odds + shift
    n_drawn = torch.bincount(level, minlength=n_levels)
    drawn_share = torch.bincount(level, log_odds.sigmoid(), n_levels) / n_drawn.clamp(min=1)
    by_level = _shifts(log_odds, level, (n_same + N_DRAWN * drawn_share) / (n_met + N_DRAWN))
    return shift + torch.where(n_drawn > 0, by_level, 0.0)


def _shifts(log_odds: Tensor, group: Tensor, wanted: Tensor) -> Tensor:
    """What is added to all log-odds of a group, so that their mean probability is as wanted. Shape: (M,), (G,)."""
    n_groups = len(wanted)
    size = torch.bincount(group, minlength=n_groups).clamp(min=1)
    lower, upper = torch.full_like(wanted, -MOST), torch.full_like(wanted, MOST)
    for _ in range(N_HALVINGS):
        middle = (lower + upper) / 2
        is_low = torch.bincount(group, torch.sigmoid(log_odds + middle[group]), n_groups) / size < wanted
        lower, upper = torch.where(is_low, middle, lower), torch.where(is_low, upper, middle)
    return (lower + upper) / 2


def proportional_fit(logits: Tensor, frequencies: Tensor) -> Tensor:
    """The shift of all logits under which the probabilities of levels average to frequencies. Shape: (N, K), (K,)."""
    target = frequencies.log()
    shift = torch.zeros_like(target, dtype=torch.float64)
    parts = [torch.softmax(part.double(), dim=-1).clamp_(min=LEAST) for part in _parts(logits)]
    for _ in range(N_ROUNDS):
        odds, shares = shift.exp(), torch.zeros_like(shift)
        for part in parts:
            shares += odds * ((part @ odds).reciprocal() @ part)
        shift += target - (shares / len(logits)).log()
    return shift


def stratified(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Log-probabilities of 0 for one level of each row, and −∞ for all others. Shape: (N, K) -> (N, K).

    Each row's level has its own probabilities; the strata of uniform numbers make the counts less noisy than
    independent draws, and exact where rows have the same probabilities.
    """
    n_rows, n_levels = logits.shape
    strata = torch.randperm(n_rows, generator=generator, device=logits.device)
    jitter = torch.rand(n_rows, generator=generator, dtype=torch.float64, device=logits.device)
    u = ((strata + jitter) / n_rows).unsqueeze(-1)
    sizes = [len(part) for part in _parts(logits)]
    levels = [
        (torch.softmax(part, dim=-1).double().cumsum(dim=-1) < below).sum(dim=-1).clamp(max=n_levels - 1)
        for part, below in zip(_parts(logits), torch.split(u, sizes), strict=True)
    ]
    certain = torch.full_like(logits, -torch.inf)
    return certain.scatter_(-1, torch.cat(levels).unsqueeze(-1), 0.0)


def _parts(logits: Tensor) -> tuple[Tensor, ...]:
    """Some rows at a time. Shape: (N, K) -> (n, K) each."""
    return torch.split(logits, max(1, PART // logits.shape[-1]))
