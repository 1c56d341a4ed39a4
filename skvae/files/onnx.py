"""The networks of a fitted model as ONNX graphs, which run without Python."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skvae.files.atomic import write_whole
from skvae.likelihoods.categorical import POSITION_MAX
from skvae.networks import VAE, AutoregressiveDecoder
from skvae.tables import CategoryColumn, Column, HistogramColumn, NumberColumn, Table, is_number_or_bool

OPSET = 18
DOUBLE = 11  # in ONNX's enumeration of dtypes


def to_onnx(estimator: Any, path: Any, part: str) -> None:
    """Write one of the networks of a fitted estimator as an ONNX file.

    Raises
    ------
    ValueError
        Where a graph of numbers cannot say what the model does.
    ImportError
        Where onnx is missing.
    """
    try:
        import onnx  # noqa: F401 - torch needs it
    except ImportError as error:
        raise ImportError(
            f"to_onnx writes files through onnx ({error}). Install it with: python -m pip install skvae[onnx]"
        ) from error
    table, vae = estimator.table_, copy.deepcopy(estimator.vae_).cpu()
    check_numbers(table)
    names: tuple[str, str]
    if part == "encoder":
        graph: nn.Module = EncoderGraph(vae, table)
        example, names = torch.zeros(2, len(table.data_columns)), ("X", "Z")
    elif part == "decoder":
        if isinstance(vae.decoder, AutoregressiveDecoder):
            raise ValueError(
                "A graph decodes all columns at once, but under decoder='autoregressive' they are decoded one after "
                "another. Use decoder='factorized', or part='encoder'."
            )
        graph = DecoderGraph(vae, table)
        example, names = torch.zeros(2, vae.encoder.n_components), ("Z", "X")
    else:
        raise ValueError(f"part must be 'encoder' or 'decoder', got {part!r}. Write each to a file of its own.")
    write_whole(Path(path), exported(graph.eval(), example, names))


def exported(graph: nn.Module, example: Tensor, names: tuple[str, str]) -> bytes:
    """The ONNX file of a module, for any number of rows."""
    buffer: Any = io.BytesIO()
    exporter: Any = torch.onnx
    exporter.register_custom_op_symbolic("aten::expm1", _expm1, OPSET)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            # the exporter that traces needs no further library and a tenth of the time; it says that it is old, and
            # that sizes of the model are constant
            warnings.simplefilter("ignore")
            exporter.export(
                graph,
                (example,),
                buffer,
                input_names=[names[0]],
                output_names=[names[1]],
                dynamic_axes={name: {0: "rows"} for name in names},
                opset_version=OPSET,
                dynamo=False,
            )
    finally:
        exporter.unregister_custom_op_symbolic("aten::expm1", OPSET)
    return bytes(buffer.getvalue())


def _expm1(g: Any, x: Any) -> Any:
    """An operator that ONNX lacks, in double precision against cancellation."""
    wide = g.op("Exp", g.op("Cast", x, to_i=DOUBLE))
    one = g.op("Constant", value_t=torch.tensor(1.0, dtype=torch.float64))
    return g.op("CastLike", g.op("Sub", wide, one), x)


def check_numbers(table: Table) -> None:
    """Refuse a table with a column that is not made of numbers."""
    for column in table.data_columns:
        number = column.number if isinstance(column, HistogramColumn) else column
        is_coded_number = isinstance(column, CategoryColumn) and is_number_or_bool(column.levels.dtype)
        if not (isinstance(number, NumberColumn) or is_coded_number):
            raise ValueError(
                f"An ONNX graph reads and writes one array of numbers, but column {column.name!r} holds "
                f"{column.dtype}. Fit on the columns of numbers, or encode the others as numbers before."
            )


class EncoderGraph(nn.Module):
    """Rows in the units of the data → posterior means.

    Parameters
    ----------
    vae : VAE
        The model, on the CPU.
    table : Table
        Its columns.

    Shape: (N, D) float32, with NaN -> (N, K).
    """

    def __init__(self, vae: VAE, table: Table) -> None:
        super().__init__()
        self.vae, self.table = vae, table

    def forward(self, X: Tensor) -> Tensor:
        """``transform``."""
        wide, table = X.double(), self.table  # a large mean leaves float32 few digits
        cells = side_by_side(table, lambda j: wide[:, j], lambda j: level(table.data_columns[j], wide[:, j : j + 1]))
        if table.indicated:
            cells = torch.cat([wide[:, table.indicated].isnan().double(), cells], dim=1)
        x = (cells - torch.from_numpy(table.loc)) / torch.from_numpy(table.scale)
        loc: Tensor = self.vae.posterior(x.float().unsqueeze(0)).loc
        return loc.squeeze(0)


def side_by_side(table: Table, of_numbers: Callable[[list[int]], Tensor], of_coded: Callable[[int], Tensor]) -> Tensor:
    """Cells of all numbers at once, and of each other column, in the order of the data. Shape: (N, D)."""
    numbers = [j for j, column in enumerate(table.data_columns) if isinstance(column, NumberColumn)]
    coded = [j for j in range(len(table.data_columns)) if j not in numbers]
    parts = ([of_numbers(numbers)] if numbers else []) + [of_coded(j) for j in coded]
    return torch.cat(parts, dim=1)[:, np.argsort(numbers + coded).tolist()]


def level(column: Column, values: Tensor) -> Tensor:
    """Codes of a column, without the position in a level, which the encoder does not see. Shape: (N, 1), kept."""
    if isinstance(column, HistogramColumn):
        edges, bins = column.bins.edges, np.flatnonzero(column.bins.first >= 0)
        code = nearest(edges, np.arange(len(edges)), values)
        if len(bins):  # see Bins.encode
            is_inside = (values > edges[0, 0]) & (values < edges[-1, 1])
            is_atom = torch.from_numpy(column.bins.first < 0)[code] & (torch.from_numpy(edges[:, 0])[code] == values)
            code = torch.where(is_inside & ~is_atom, nearest(edges, bins, values), code)
        return code.double().masked_fill(values.isnan(), torch.nan)
    assert isinstance(column, CategoryColumn), "checked before"
    is_level = values == torch.from_numpy(column.levels.to_numpy(dtype=np.float64))
    code = is_level.double().argmax(dim=1, keepdim=True).clamp(max=len(column.edges) - 1)
    return code.double().masked_fill(~is_level.any(dim=1, keepdim=True), torch.nan)


def nearest(edges: Any, among: Any, values: Tensor) -> Tensor:
    """Which of some levels each value is nearest to. Shape: edges (T, 2), among (t,), values (N, 1) -> (N, 1)."""
    lower, upper = (torch.from_numpy(ends) for ends in edges[among].T.copy())
    below = ((values >= lower).long().sum(dim=1, keepdim=True) - 1).clamp(0, len(among) - 1)
    above = (below + 1).clamp(max=len(among) - 1)
    return torch.from_numpy(among)[torch.where(lower[above] - values < values - upper[below], above, below)]


class DecoderGraph(nn.Module):
    """Latent coordinates → E[x | z], the mode for categories, in the units of the data.

    Parameters
    ----------
    vae, table
        See ``EncoderGraph``.

    Shape: (N, K) float32 -> (N, D): float32; int64 or bool where an array of whole numbers or bits was fitted.
    """

    def __init__(self, vae: VAE, table: Table) -> None:
        super().__init__()
        self.vae, self.table = vae, table

    def forward(self, Z: Tensor) -> Tensor:
        """``inverse_transform``."""
        table, n_indicated = self.table, len(self.table.indicated)
        loc, scale, lower, upper = map(torch.from_numpy, (table.loc, table.scale, table.lower, table.upper))
        raw = self.mean(Z).double() * scale + loc
        is_whole = torch.tensor([family.is_whole for family in table.families])
        raw = torch.where(is_whole, raw.round().maximum(lower).minimum(upper), raw)[:, n_indicated:]
        rows = side_by_side(table, lambda j: raw[:, j], lambda j: value(table.data_columns[j], raw[:, j : j + 1]))
        if table.dtype is None or table.dtype.kind == "f":
            return rows.float()
        if table.dtype.kind == "b":
            return rows >= 0.5
        limits = np.iinfo(table.dtype)
        return rows.round().clamp(float(limits.min), float(np.nextafter(float(limits.max) + 1, 0))).long()

    def mean(self, Z: Tensor) -> Tensor:
        """``Joint.mean``, with columns of levels one by one: a graph has no maximum by group. Shape: (N, D)."""
        joint, parts, index = self.vae.joint, [], []
        for block, heads in zip(joint, self.vae.decode(Z.unsqueeze(0)), strict=True):
            index += block.index
            if block.family.levels == "none":
                parts.append(block.family.mean(**block.with_constants(heads)))
                continue
            shares = {name: torch.split(heads[name], block.shares(name), dim=-1) for name in heads}
            for i in range(len(block.index)):
                alone = block.alone(i).to(Z)
                parts.append(block.family.mean(**alone.with_constants({name: of[i] for name, of in shares.items()})))
        return torch.cat(parts, dim=-1).squeeze(0)[:, np.argsort(index).tolist()]


def value(column: Column, codes: Tensor) -> Tensor:
    """What codes of a column stand for, in its own units. Shape: (N, 1), kept."""
    if not isinstance(column, HistogramColumn):
        levels = column.decode(np.arange(len(column.edges), dtype=np.float64))
        return torch.from_numpy(np.asarray(levels, dtype=np.float64))[codes.long()]
    bins, level = column.bins, codes.long()  # see Bins.decode
    values = torch.from_numpy(bins.edges[:, 0].copy())[level]
    if len(bins.knots):
        first, last, knots = (torch.from_numpy(part) for part in (bins.first, bins.last, bins.knots))
        position = ((codes - level) / POSITION_MAX).clamp(0, 1)
        at = (first[level] + (last - first)[level] * position).clamp(min=0)
        below = at.long()
        above = (below + 1).clamp(max=len(knots) - 1)
        between = knots[below] + (at - below) * (knots[above] - knots[below])
        if bins.decimals is not None:
            between = (between * 10**bins.decimals).round() / 10**bins.decimals
        values = torch.where(first[level] >= 0, between, values)
    return values
