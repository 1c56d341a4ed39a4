"""What each component does to each column: effects in the units of the data, and the variance that they explain."""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skvae.networks import VAE, Level, alone
from skvae.objectives import DiagonalNormal
from skvae.tables import Amounts, Table, center_and_reach, variance_of
from skvae.tables.bins import Floats

N_ROWS, N_ROWS_OF_SEQUENCE = 2000, 100  # that are decoded with each component at its mean; of columns one by one
N_ROWS_OF_CHUNK = 200  # after one pass over a chunk, which takes little time itself
N_ENDS = 4  # one in so many of that many rows is decoded at both ends of each component
TINY = float(np.finfo(float).tiny)
CELLS = 4_000_000  # numbers of the widest layer, at most
LOW, HIGH = 0.16, 0.84  # quantiles one standard deviation to both sides of a normal mean


class Loadings(NamedTuple):
    """What K components do to the D columns of the data.

    Attributes
    ----------
    effect : ndarray of shape (K, D)
        Half of the change of E[x_d | z] as z_k goes from its 16 % to its 84 % quantile and the others stay at their
        posterior means, averaged over rows, in the unit of the column: the effect of one standard deviation. For
        categories the change of the probability of the level that it moves most.
    strength : ndarray of shape (K, D)
        Standard deviation over rows of what z_k does: of E[x_d | z] less what it is where z_k stands at its mean. About
        the size of the effect where that is a line; an effect with two directions, such as a U, is 0, but has strength.
    pull : ndarray of shape (K, D)
        The effect in the unit in which variances of columns are added up: its largest number gives the sign.
    explained : ndarray of shape (K, D)
        Share of the variance of all columns that the model would no longer explain of column d if z_k stood at its
        mean.
    """

    effect: Floats
    strength: Floats
    pull: Floats
    explained: Floats

    def rearranged(self, order: NDArray[np.integer[Any]], signs: Floats) -> Loadings:
        """Those of the components in another order, some of them turned around. Shape: (K,), (K,)."""
        effect, strength, pull, explained = (part[order] for part in self)
        return Loadings(effect * signs[:, None], strength, pull * signs[:, None], explained)


class Yardstick(NamedTuple):
    """What amounts are measured by: no square of them overflows then.

    Attributes
    ----------
    amounts : Amounts
        The columns.
    cells : ndarray of shape (N, W)
        The rows, in reaches from the center; NaN is a gap.
    center, reach : ndarray of shape (W,)
        Middle and half of the range of each amount over the rows.
    total : ndarray of shape (D,)
        Variance of each column, in a unit that all of them share; where they have none, 1, or 0 if it is constant.
    size : ndarray of shape (W,)
        Reach of each amount in that unit.
    """

    amounts: Amounts
    cells: Floats
    center: Floats
    reach: Floats
    total: Floats
    size: Floats

    @classmethod
    def of(cls, table: Table, x: Tensor, weights: Floats) -> Yardstick:
        """That of encoded rows. Shape: (N, D), (N,)."""
        amounts = Amounts(table)
        of_rows = amounts.of(x)
        center, reach = center_and_reach(of_rows)
        cells = (of_rows - center) / reach
        variance = variance_of(cells, weights)
        size = reach / reach.max()
        if not has_one_unit(table):
            by_column = np.repeat(amounts.total(variance), amounts.widths)
            size = np.where(by_column > 0, 1 / np.sqrt(np.where(by_column > 0, by_column, 1.0)), 0.0)
        return cls(amounts, cells, center, reach, amounts.total(variance * size**2), size)

    def share_left(self, expected: Floats, shares: Floats) -> Floats:
        """Share of the variance of all columns that expectations leave, by column. Shape: (N, W), (N,) -> (D,)."""
        left = self.amounts.total(variance_of(self.cells - expected, shares) * self.size**2)
        return left / max(float(self.total.sum()), TINY)

    def expected(self, vae: VAE | Level, z: Tensor) -> Floats:
        """E[x | z] in reaches from the center, of a stack of one. Shape: (N, K) -> (N, W)."""
        return (expected_amounts(vae, self.amounts, z) - self.center) / self.reach


def has_one_unit(table: Table) -> bool:
    """Whether variances of columns can be added up as they are, as PCA does: one scale, or the cells of an array."""
    is_array = not table.is_frame
    return all(
        family.scaling == "shared" or (is_array and family.scaling == "none" and family.cells in ("numbers", "bits"))
        for family in table.data_families
    )


def expected_amounts(vae: VAE | Level, amounts: Amounts, z: Tensor) -> Floats:
    """E[x | z] of a stack of one, and probabilities of categories. Shape: (N, K) -> (N, W)."""
    if isinstance(vae, VAE) and vae.decoder.sees_columns:  # one column after another: a category is its mode
        return amounts.of(vae.generate(z[None], None, gaps=False)[0])
    parameters = vae.decode(z[None])
    expected = amounts.of(vae.joint.mean(parameters)[0])
    for block, heads in zip(vae.joint, parameters, strict=True):
        probabilities = block.family.probabilities(**block.with_constants(heads))
        if probabilities is not None:
            amounts.put_probabilities(expected, block.index, probabilities[0])
    return expected


@torch.no_grad()
def loadings_of(
    vae: VAE,
    table: Table,
    x: Tensor,
    q: DiagonalNormal,
    weights: Tensor | None,
    n_rows: int = N_ROWS,
    axes: Floats | None = None,
) -> Loadings:
    """Effects of the components of a stack of one over rows.

    Parameters
    ----------
    vae : VAE
        The model.
    table : Table
        Its columns.
    x : Tensor of shape (N, D)
        Encoded rows.
    q : DiagonalNormal of shape (1, N, K)
        Their posteriors.
    weights : Tensor of shape (N,), optional
        Weights of the rows.
    n_rows : int
        Rows that are decoded at most.
    axes : ndarray of shape (K, K), optional
        Orthonormal columns, the directions of z that stand for the components; q is the posterior along them.
    """
    shares, z = np.ones(len(x)) if weights is None else weights.cpu().double().numpy(), q.loc[0].double()
    low, high = (weighted_quantile(z.cpu().numpy(), shares, at) for at in (LOW, HIGH))
    mean = shares @ z.cpu().numpy() / shares.sum()
    n_rows = _n_decoded(vae, table, n_rows)
    every = math.ceil(len(x) / n_rows)
    x, z, shares = x[::every], z[::every], shares[::every]
    yardstick, precise = Yardstick.of(table, x, shares), _precise(vae)
    back = None if axes is None else torch.from_numpy(axes.T).to(z)

    def expected(z: Tensor) -> Floats:
        return yardstick.expected(precise, z if back is None else z @ back)

    whole, of_components = expected(z), list[tuple[Floats, ...]]()
    unexplained, few = yardstick.share_left(whole, shares), slice(None, None, math.ceil(N_ENDS * len(x) / n_rows))
    some = shares[few] / max(shares[few].sum(), TINY)
    for k in range(vae.n_components):
        ends = [expected(_with(z[few], k, float(at[k]))) for at in (low, high)]
        without = expected(_with(z, k, float(mean[k])))
        effect, strength = some @ (ends[1] - ends[0]) / 2, np.sqrt(variance_of(whole - without, shares))
        in_units = (effect * yardstick.reach, strength * yardstick.reach, effect * yardstick.size)
        measured = map(yardstick.amounts.largest, in_units)
        of_components.append((*measured, yardstick.share_left(without, shares) - unexplained))
    return Loadings(*(np.nan_to_num(np.array(part)) for part in zip(*of_components, strict=True)))


@torch.no_grad()
def mean_curve(vae: VAE, table: Table, z: Tensor, k: int, places: Floats) -> Floats:
    """What rows are expected to be where z_k stands at each of some places and the rest is theirs, averaged over rows.

    Shape: z (N, K), places (P,) -> amounts (P, W).
    """
    precise, amounts = _precise(vae), Amounts(table)
    moved = [_with(z.double(), k, float(at)) for at in places]
    return np.array([expected_amounts(precise, amounts, codes).mean(axis=0) for codes in moved])


def _precise(vae: VAE) -> VAE:
    """A copy in double precision: differences of float32 have few digits."""
    return alone(copy.deepcopy(vae)).double()


def _n_decoded(vae: VAE, table: Table, n_rows: int) -> int:
    """Rows whose widest layer, or all of whose levels, fit into memory."""
    n_levels = sum(len(column.edges) for column in table.columns)
    most = N_ROWS_OF_SEQUENCE if vae.decoder.sees_columns else n_rows
    return max(1, min(most, CELLS // max(vae.n_outputs, n_levels, 1)))


def _with(z: Tensor, k: int, value: float) -> Tensor:
    """Codes whose component k is this value. Shape: (N, K), kept."""
    z = z.clone()
    z[:, k] = value
    return z


def weighted_quantile(values: Floats, weights: Floats, share: float) -> Floats:
    """The value of each column below which this share of the weight lies. Shape: (N, K), (N,) -> (K,).

    Examples
    --------
    >>> weighted_quantile(np.array([[1.0], [2.0], [9.0]]), np.array([1.0, 1.0, 2.0]), 0.5)
    array([4.33333333])
    """
    order = np.argsort(values, axis=0, kind="stable")
    of_rank = weights[order]
    middles = (of_rank.cumsum(axis=0) - of_rank / 2) / weights.sum()
    sorted_values = np.take_along_axis(values, order, axis=0)
    columns = zip(middles.T, sorted_values.T, strict=True)
    return np.array([np.interp(share, at, of_column) for at, of_column in columns])
