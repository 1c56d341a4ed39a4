"""The networks of a fitted model as ONNX graphs, which run without Python."""

from __future__ import annotations

import copy
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skvae.files.atomic import path_of, write_whole
from skvae.networks import VAE, AutoregressiveDecoder
from skvae.tables import Table

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
    write_whole(path_of(path), exported(graph.eval(), example, names))


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
    """Refuse a table with a column that is not made of numbers, or that is drawn and not computed."""
    for identifier in table.identifiers.values():
        raise ValueError(
            f"An ONNX graph computes what it writes, but column {identifier.name!r} is an identifier, which is drawn. "
            f"Fit without it, or with likelihood={{{identifier.name!r}: …}} to model it as it is."
        )
    for column in table.data_columns:
        if not column.holds_numbers:
            raise ValueError(
                f"An ONNX graph reads and writes one array of numbers, but column {column.name!r} holds "
                f"{column.dtype}, which floats do not hold. Fit on the columns of numbers, or encode the others as "
                f"numbers before, whole ones below 2**53."
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
        columns = table.data_columns
        cells = side_by_side(table, wide, lambda j: columns[j].encode_tensor(wide[:, j : j + 1]))
        if table.indicated:
            cells = torch.cat([wide[:, table.indicated].isnan().double(), cells], dim=1)
        x = (cells - torch.from_numpy(table.loc)) / torch.from_numpy(table.scale)
        loc: Tensor = self.vae.posterior(x.float().unsqueeze(0)).loc
        return loc.squeeze(0)


def side_by_side(table: Table, cells: Tensor, turned: Callable[[int], Tensor]) -> Tensor:
    """Cells that stay as they are, all at once, and each other column turned, in the order of the data. Shape: kept."""
    is_identity = np.array([column.is_identity for column in table.data_columns])
    kept, others = np.flatnonzero(is_identity).tolist(), np.flatnonzero(~is_identity).tolist()
    parts = [turned(j) for j in others]
    if kept:
        parts = [cells[:, kept], *parts]
    return torch.cat(parts, dim=1)[:, np.argsort(kept + others).tolist()]


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
        raw = torch.where(is_whole, raw.round(), raw)
        raw = torch.where(torch.from_numpy(table.is_bounded), raw.maximum(lower).minimum(upper), raw)[:, n_indicated:]
        columns = table.data_columns
        rows = side_by_side(table, raw, lambda j: columns[j].decode_tensor(raw[:, j : j + 1]))
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
