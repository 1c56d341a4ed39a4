"""Where a chain of few rows starts: numbers that earlier columns nearly give, at their linear regressions."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from skvae.likelihoods.scores import normal_scores
from skvae.networks import Chain
from skvae.networks.columns import RANK, outputs_among

MAX_ROWS = 2000  # more lead there by themselves
N_ROWS_SHARP = 1000  # that say how sharp it is, at most
N_PREDICTORS = 128  # of a number, at most: those that are correlated most with it
ROWS_OF_A_PREDICTOR = 8  # at least
CLIP = 3.0  # standard deviations, within which values are predictors
FEW_LEVELS, FEW_ROWS = 12, 10  # of a category that is a predictor, and of a level that has an indicator
# of each row, of which the one is taken that predicts best; with smaller ones slopes are large and of both signs, and
# the errors of drawn cells add up
RIDGES = torch.logspace(-2.5, 1, 8, dtype=torch.float64)
UNEXPLAINED = 0.35  # of a variance, at most; what is looser, training finds as well by itself
SPREADS = (0.5, 1.0, 2.0, 4.0, 10.0)  # times the variance of the errors: these have no Gaussian tails
MIN_GAIN = 0.02  # nats
N_STARTED = RANK // 2  # columns, at most: the other half of a direct context is for what training finds
N_BALANCES, BALANCE = 6, 0.7  # rounds of proportional fitting, and how far each goes


class Coded(NamedTuple):
    """A column whose cells have levels.

    Attributes
    ----------
    codes : Tensor of shape (N,)
        The level of each row; −1 for a gap.
    shares : Tensor of shape (n,)
        Of the rows in each level.
    first : int
        Place of its first level among those of all columns.
    scales : list of Tensors of shape (n,)
        Numbers that stand for the levels, each of mean 0 over the rows: normal scores and values of a number,
        indicators of a category.
    is_number : bool
        Whether the levels are in order.
    """

    codes: Tensor
    shares: Tensor
    first: int
    scales: list[Tensor]
    is_number: bool


class Predictors(NamedTuple):
    """What numbers are regressed on.

    Attributes
    ----------
    cells : Tensor of shape (N, P)
        One scale of one column each; 0 for a gap.
    owner : Tensor of shape (P,)
        Position of its column in the row.
    """

    cells: Tensor
    owner: Tensor

    @classmethod
    def of(cls, columns: dict[int, Coded]) -> Predictors:
        """All scales of all columns, in their order."""
        cells = [at_levels(scale, column.codes) for column in columns.values() for scale in column.scales]
        owner = [j for j, column in columns.items() for _ in column.scales]
        return cls(torch.stack(cells, dim=1), torch.tensor(owner))


class Regression(NamedTuple):
    """p(level t) ∝ exp(bias_t + scale_t m / variance), where m is a linear function of predictors.

    Attributes
    ----------
    scale, bias : Tensors of shape (n,)
        Number that stands for each level, and its logit where m is 0.
    slopes : Tensor of shape (P,)
        Of m.
    variance : float
        How sharp it is.
    gain : float
        Nats that it says of a cell, more than frequencies do.
    """

    scale: Tensor
    bias: Tensor
    slopes: Tensor
    variance: float
    gain: float


@torch.no_grad()
def start_at_regressions(chain: Chain, model: int, x: Tensor, weights: Tensor | None = None) -> None:
    r"""Start a number that earlier columns nearly give at its ridge regression on them.

    A logit is a sum of products of what a level is and what the context says, so that a Gaussian around a linear
    function of earlier cells is within it,

    .. math:: \log p(t \mid m) = -\frac{(s_t - m)^2}{2 \sigma^2} + b_t + c(m)
              = \frac{s_t}{\sigma^2} m + \Big(b_t - \frac{s_t^2}{2 \sigma^2}\Big) + c'(m),

    but a sharp one lies far from where random weights start. Few rows do not lead there; more than ``MAX_ROWS`` do.
    b is such that each level is as likely, on average, as it is frequent. A number stands for its level by its normal
    score or by its value, whichever predicts better; ridge and sharpness are those of rows that are left out of their
    own prediction.

    Parameters
    ----------
    chain : Chain
        A stack, with the frequencies of columns; begun in place.
    model : int
        Which of the stack.
    x : Tensor of shape (N, D)
        Its training rows.
    weights : Tensor of shape (N,), optional
        Of the rows.

    References
    ----------
    Golub, Heath and Wahba (1979), Generalized cross-validation as a method for choosing a good ridge parameter, for
    the errors of rows left out, eq. (1.4); Deming and Stephan (1940), for proportional fitting.
    """
    if len(x) > MAX_ROWS:
        return
    x = x.cpu()
    weights = torch.ones(len(x)) if weights is None else weights.cpu()
    weights = weights.double() / weights.double().mean()
    columns = coded_columns(chain, x, weights)
    if not any(column.scales for column in columns.values()):
        return
    predictors = Predictors.of(columns)
    found = {}
    for j, column in columns.items():
        if column.is_number and len(column.shares) == len(outputs_among(chain.heads_of[j])):
            regression = _regression(column, predictors, predictors.owner < j, weights)
            if regression is not None:
                found[j] = regression
    best = sorted(found, key=lambda j: -found[j].gain)[:N_STARTED]
    if best:
        _begin(chain, model, columns, {j: found[j] for j in best}, predictors.owner)


def coded_columns(chain: Chain, x: Tensor, weights: Tensor) -> dict[int, Coded]:
    """The columns of rows whose cells have levels, by their positions."""
    columns, first = {}, 0
    for block in chain.joint.coded():
        is_number = block.family.levels == "ordered"
        begin, middles = first, block.columns.edges.double().mean(dim=1)
        for j, n in zip(block.index, block.columns.n_levels.tolist(), strict=True):
            codes = x[:, j].nan_to_num(nan=-1.0).long().clamp(max=n - 1)
            is_known = codes >= 0
            counts = torch.bincount(codes[is_known], weights[is_known], minlength=n) + 1e-3
            shares = counts / counts.sum()
            if is_number:
                scales = number_scales(shares, middles[first - begin :][:n]) if n > 2 else []
            else:
                scales = indicators(shares, counts) if n <= FEW_LEVELS else []
            columns[j] = Coded(codes, shares, first, scales, is_number)
            first += n
    return dict(sorted(columns.items()))


def number_scales(shares: Tensor, middles: Tensor) -> list[Tensor]:
    """The normal scores of levels, and the middles of their ranges, if they have any. Shape: (n,), (n,) or (0,).

    Examples
    --------
    >>> number_scales(torch.tensor([.5, .5]), torch.empty(0))
    [tensor([-0.7979,  0.7979])]
    """
    scales = [normal_scores(shares)]
    if len(middles):
        centred = middles - (shares * middles).sum()
        clipped = (centred / (shares * centred.square()).sum().sqrt().clamp(min=1e-300)).clamp(-CLIP, CLIP)
        scales.append(clipped - (shares * clipped).sum())
    return scales


def indicators(shares: Tensor, counts: Tensor) -> list[Tensor]:
    """Standardised indicators of the levels that many rows have, but of the most frequent. Shape: (n,) each."""
    frequent = (counts >= FEW_ROWS) & (torch.arange(len(shares)) != shares.argmax())
    own = torch.eye(len(shares), dtype=shares.dtype)
    return [(own[k] - shares[k]) / (shares[k] * (1 - shares[k])).sqrt() for k in frequent.nonzero().flatten().tolist()]


def at_levels(scale: Tensor, codes: Tensor) -> Tensor:
    """The number of each cell's level, 0 for a gap. Shape: (n,), (N,) -> (N,)."""
    return scale[codes.clamp(min=0)].masked_fill(codes < 0, 0.0)


def _regression(column: Coded, predictors: Predictors, is_earlier: Tensor, weights: Tensor) -> Regression | None:
    """The best regression of a number, if one says much."""
    known, best = column.codes >= 0, None
    if not is_earlier.any() or known.sum() < 2:
        return None
    codes, weights = column.codes[known], weights[known]
    cells = predictors.cells[known]
    for scale in column.scales:
        y = scale[codes]
        chosen = _most_correlated(cells, y, is_earlier, weights)
        slopes, errors = ridge_regression(cells[:, chosen], y, weights)
        variance = float((weights * errors.square()).mean())
        if variance > UNEXPLAINED * float((weights * y.square()).mean()):
            continue
        predicted, own = (y - errors)[:N_ROWS_SHARP], codes[:N_ROWS_SHARP]
        for spread in SPREADS:
            sharp = max(spread * variance, 1e-5)
            bias, gain = _balanced(scale, predicted, own, column.shares, sharp)
            if gain > (MIN_GAIN if best is None else best.gain):
                of_all = torch.zeros(len(is_earlier), dtype=slopes.dtype).index_copy(0, chosen, slopes)
                best = Regression(scale, bias, of_all, sharp, gain)
    return best


def _most_correlated(cells: Tensor, y: Tensor, is_earlier: Tensor, weights: Tensor) -> Tensor:
    """Positions of the predictors that are used."""
    size = ((weights * y) @ cells).abs().masked_fill(~is_earlier, -1.0)
    most = min(N_PREDICTORS, max(len(y) // ROWS_OF_A_PREDICTOR, 1), int(is_earlier.sum()))
    return size.topk(most).indices.sort().values


def ridge_regression(cells: Tensor, y: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Slopes for the ridge that predicts best, and the errors of rows that are left out of their own prediction.

    Shape: (N, P), (N,), (N,) -> (P,), (N,).
    """
    root = weights.sqrt()[:, None]
    values, axes = torch.linalg.eigh((root * cells).T @ (root * cells))
    values = values.clamp(min=1e-9 * float(values.max()))
    along = cells @ axes
    leverages, by_axis = (root * along).square(), (root.square() * along).T @ y
    inverse = 1 / (values[:, None] + RIDGES * len(y))
    fitted, own_share = along @ (inverse * by_axis[:, None]), leverages @ inverse
    errors = (y[:, None] - fitted) / (1 - own_share.clamp(max=0.99))
    best = (weights @ errors.square()).argmin()
    return axes @ (inverse[:, best] * by_axis), errors[:, best]


def _balanced(scale: Tensor, predicted: Tensor, codes: Tensor, shares: Tensor, variance: float) -> tuple[Tensor, float]:
    """Biases with which levels are as likely as they are frequent, and the nats that a cell gains over these.

    Shape: (n,), (N,), (N,), (n,) -> (n,).
    """
    outer = predicted[:, None] * scale / variance
    bias = shares.log() - scale.square() / (2 * variance)
    for _ in range(N_BALANCES):
        likely = torch.softmax(outer + bias, dim=1).mean(dim=0)
        bias = bias + BALANCE * (shares.log() - (likely + 1e-9).log())
    own = torch.log_softmax(outer + bias, dim=1).gather(1, codes[:, None])
    return bias, float(own.mean() - shares.log()[codes].mean())


def _begin(chain: Chain, model: int, columns: dict[int, Coded], found: dict[int, Regression], owner: Tensor) -> None:
    """Write regressions into the direct part of the contexts.

    What they are of all predictors, over their variances, is a matrix; half of each singular value goes to either
    side.
    """
    matrix = torch.stack([one.slopes / one.variance for one in found.values()])
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    of_outputs, of_predictors = left * values.sqrt(), right.T * values.sqrt()
    vectors = of_predictors.new_zeros(sum(len(column.shares) for column in columns.values()), len(values))
    scales = [(column, scale) for column in columns.values() for scale in column.scales]
    for (column, scale), row in zip(scales, of_predictors, strict=True):
        vectors[column.first : column.first + len(scale)] += scale[:, None] * row
    weights = vectors.new_zeros(chain.bias.shape[-1], len(values))
    for (j, one), row in zip(found.items(), of_outputs, strict=True):
        outputs = outputs_among(chain.heads_of[j])
        weights[outputs] = one.scale[:, None] * row
        chain.bias[model, 0, outputs] = one.bias.to(chain.bias)
    chain.begin_at(model, vectors, weights)
