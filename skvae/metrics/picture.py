"""A report as a picture: the worst columns, and the errors of all pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skvae.metrics.fidelity import mean_trend
from skvae.metrics.frames import Category, Encoding, Floats, Number, align

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

REAL, SYNTHETIC, INK, FAINT = "#b9c5d6", "#d1495b", "#22303c", "#7d8896"
MAX_BINS, MAX_LEVELS, MAX_LETTERS, MAX_NUMBERS, MAX_LABELS = 40, 6, 16, 16, 60
DAY = 86_400.0  # seconds
LEAST_TOP = 5.0  # percent: errors that are all small should not look large


def draw(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    shapes: pd.Series,
    trends: pd.DataFrame,
    *,
    figure: Figure | SubFigure | None = None,
    max_columns: int = 9,
) -> Figure | SubFigure:
    """Columns with the largest errors at the left, a map of the errors of pairs at the right."""
    if max_columns < 1:
        raise ValueError(f"max_columns must be at least 1, but is {max_columns}. Pass a larger number.")
    worst = shapes.sort_values(ascending=False, kind="stable").index[:max_columns]
    n_across = min(3, math.ceil(math.sqrt(len(worst))))
    n_down = math.ceil(len(worst) / n_across)
    widths = [max(2.9 * n_across, 4.2), 6.6][: len(shapes)]  # a single column has no pair
    if figure is None:
        figure = pyplot().figure(figsize=(sum(widths), max(2.1 * n_down, 4.6) + 0.9), layout="constrained")
    parts = np.ravel(figure.subfigures(1, len(widths), squeeze=False, width_ratios=widths))
    _draw_columns(parts[0], real[worst], synthetic[worst], shapes, n_down, n_across)
    if len(parts) > 1:
        _draw_pairs(parts[1], trends)
    return figure


def pyplot() -> Any:
    """The module ``matplotlib.pyplot``, imported now."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError("Plots need matplotlib, which is not installed. Run: pip install skvae[plot]") from error
    return pyplot


def _draw_columns(
    figure: SubFigure, real: pd.DataFrame, synthetic: pd.DataFrame, shapes: pd.Series, n_down: int, n_across: int
) -> None:
    axes = figure.subplots(n_down, n_across, squeeze=False).ravel()
    draw_columns(axes, real, synthetic, shapes)
    n_columns = real.shape[1]
    for ax in axes[n_columns:]:
        ax.set_visible(False)
    which = f", the {n_columns} worst of {len(shapes)} columns" if n_columns < len(shapes) else ""
    _headline(figure, f"Shape error {percent(shapes.mean())}{which}")
    place: Any = "outside upper right"
    figure.legend(handles=handles(), loc=place, ncols=2, frameon=False, fontsize=9, labelcolor=INK)


def handles() -> list[Any]:
    """Of a legend."""
    from matplotlib.patches import Patch

    return [Patch(color=REAL, label="real"), Patch(color=SYNTHETIC, label="synthetic")]


def draw_columns(axes: Iterable[Axes], real: pd.DataFrame, synthetic: pd.DataFrame, shapes: pd.Series) -> None:
    """One column an axes: how its values are distributed, with its error in the title."""
    real, synthetic = align(real=real, synthetic=synthetic)
    columns = Encoding.fit(real, synthetic).columns
    for ax, (label, column) in zip(axes, columns.items(), strict=False):
        draw_column(ax, column, column.encode(real[label]), column.encode(synthetic[label]))
        ax.set_title(short(label, 22), loc="left", fontsize=9.5, fontweight="bold", color=INK)
        ax.set_title(percent(shapes[label]), loc="right", fontsize=9, color=FAINT)


def draw_column(ax: Axes, column: Number | Category, real: Floats, synthetic: Floats) -> None:
    """One column, real and synthetic: bars for a category, histograms for a number. Shapes: (N,), (M,)."""
    if isinstance(column, Category):
        _draw_levels(ax, column, real, synthetic)
    else:
        _draw_numbers(ax, column, real, synthetic)


def _draw_numbers(ax: Axes, column: Number, real: Floats, synthetic: Floats) -> None:
    """Histograms on the same bins, of the observed cells, and the shares of missing ones where there are any."""
    from matplotlib import dates as untyped
    from matplotlib.ticker import EngFormatter, MaxNLocator

    edges = _edges(np.concatenate([real, synthetic]))
    p, q = (np.histogram(cells[~np.isnan(cells)], edges)[0] / len(cells) for cells in (real, synthetic))
    edges = edges / DAY if column.kind == "instants" else edges  # matplotlib counts days
    ax.stairs(p, edges, fill=True, color=REAL)
    ax.stairs(q, edges, color=SYNTHETIC, linewidth=1.5)
    if column.kind == "instants":
        dates: Any = untyped
        ax.xaxis.set_major_locator(dates.AutoDateLocator(minticks=2, maxticks=5))
        ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(ax.xaxis.get_major_locator()))
    else:
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
    _clean(ax, ax.yaxis)
    gaps = np.isnan(real).mean(), np.isnan(synthetic).mean()
    if max(gaps) > 0:
        ax.set_xlabel(f"missing {percent(gaps[0])}, synthetic {percent(gaps[1])}", fontsize=8, color=FAINT)


def _draw_levels(ax: Axes, column: Category, real: Floats, synthetic: Floats) -> None:
    """Bars of the most frequent levels, of all others together, and of missing cells."""
    shares = np.stack([_shares(real, len(column.levels)), _shares(synthetic, len(column.levels))])
    seen = [level for level in np.argsort(-shares[:, :-1].max(axis=0), kind="stable") if shares[:, level].any()]
    n_shown = len(seen) if len(seen) == MAX_LEVELS + 1 else MAX_LEVELS  # "1 other" takes the room of its name
    top, others = seen[:n_shown], seen[n_shown:]
    names = [short(column.levels[level], MAX_LETTERS) for level in top]
    bars = list(shares[:, top].T)
    if others:
        names.append(f"({len(others)} others)")
        bars.append(shares[:, others].sum(axis=1))
    if shares[:, -1].any():
        names.append("(missing)")
        bars.append(shares[:, -1])
    places = np.arange(len(bars))
    ax.barh(places, [bar[0] for bar in bars], height=0.8, color=REAL)
    ax.barh(places, [bar[1] for bar in bars], height=0.28, color=SYNTHETIC)
    ax.set_yticks(places, names)
    ax.set_ylim(max(len(bars), 4) - 0.4, -0.6)
    _clean(ax, ax.xaxis)


def _draw_pairs(figure: SubFigure, trends: pd.DataFrame) -> None:
    """A map of the errors of all pairs, in percent."""
    errors = 100 * trends
    top = max(LEAST_TOP, float(np.nanmax(errors.to_numpy(), initial=0)))
    draw_map(figure.subplots(), errors, top=top, cmap="OrRd", label="error of a pair, %", pattern="{:.1f}")
    _headline(figure, f"Trend error {percent(mean_trend(trends))}")


def draw_map(ax: Axes, pairs: pd.DataFrame, *, top: float, cmap: str, label: str, pattern: str) -> None:
    """A number for each pair of columns as a colour, and as text where columns are few. Shape: (D, D)."""
    values = pairs.to_numpy()
    n_columns = len(values)
    ax.set_anchor("N")
    picture = ax.imshow(values, cmap=cmap, vmin=0, vmax=top)
    ax.set_facecolor("#eef1f5")
    places = np.arange(n_columns) if n_columns <= MAX_LABELS else np.array([], dtype=int)
    names = [short(pairs.columns[place], MAX_LETTERS) for place in places]
    size = float(np.clip(130 / max(n_columns, 1), 4.5, 9))
    ax.set_xticks(places, names, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    ax.set_yticks(places, names, fontsize=size)
    ax.tick_params(length=0, colors=INK)
    ax.spines[:].set_visible(False)
    if n_columns <= MAX_NUMBERS:
        for i, j in np.argwhere(~np.isnan(values)):
            color = "white" if values[i, j] > 0.6 * top else INK
            text = pattern.format(values[i, j])
            ax.text(j, i, text, ha="center", va="center", fontsize=size - 1.5, color=color)
    bar = ax.figure.colorbar(picture, cax=ax.inset_axes((1.02, 0.5, 0.025, 0.5)))
    bar.set_label(label, fontsize=8.5, color=INK)
    bar.ax.tick_params(length=0, labelsize=8, colors=INK)
    bar.outline.set_visible(False)


def _clean(ax: Axes, shares: Any) -> None:
    """Ticks without lines, percents on the axis of the shares."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    shares.set_major_locator(MaxNLocator(4))
    shares.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    shares.grid(color="#e6eaf0", linewidth=0.7)
    ax.set_axisbelow(True)
    ax.tick_params(length=0, labelsize=8, colors=INK)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)


def _headline(figure: SubFigure, text: str) -> None:
    figure.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)


def _edges(values: Floats) -> Floats:
    """Bins over all observed cells; around whole numbers where all are whole, each bin holding equally many."""
    values = values[~np.isnan(values)]
    if not len(values):
        return np.array([0.0, 1.0])
    lower, upper = values.min(), values.max()
    n_bins = int(np.clip(math.sqrt(len(values)), 10, MAX_BINS))
    if lower == upper or (values != np.rint(values)).any():
        return np.asarray(np.histogram_bin_edges(values, bins=n_bins))
    width = math.ceil((upper - lower + 1) / n_bins)
    return np.arange(lower - 0.5, upper + 0.5 + width, width)


def _shares(codes: Floats, n_levels: int) -> Floats:
    """Share of each level, and last of missing cells. Shape: (N,) -> (n_levels + 1,)."""
    levels = np.where(np.isnan(codes), n_levels, codes).astype(int)
    return np.bincount(levels, minlength=n_levels + 1) / len(codes)


def percent(share: float) -> str:
    """A share as text."""
    return f"{100 * share:.2f} %"


def short(label: Any, length: int) -> str:
    """Text of a label, cut, and without the signs that matplotlib reads as mathematics."""
    text = str(label)
    text = text if len(text) <= length else text[: length - 1] + "…"
    return text.replace("$", r"\$")
