"""A report as a picture: the worst columns, and the errors of all pairs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from skvae.drawing.axes import LEGEND, arrange, clean, headline, pyplot
from skvae.drawing.labels import percent, short, short_all
from skvae.drawing.maps import MAX_LABELS, label_bar, name_cells, write_cells
from skvae.drawing.palette import EMPTY_CELL, FAINT, INK, REAL, SYNTHETIC
from skvae.metrics.fidelity import mean_trend, worst_first
from skvae.metrics.frames import Category, Encoding, Floats, Number, align, bin_edges

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.patches import Patch

MAX_BINS, MAX_LEVELS, MAX_LETTERS = 40, 6, 16  # bins of a histogram; bars of a category; letters of a name
MAX_NUMBERS = 16  # columns of a map whose numbers are also written out
DAY = 86_400.0  # seconds
YEAR = 365.2425 * DAY
CALENDAR = (2 - 1970) * YEAR, (9999 - 1970) * YEAR  # seconds from 1970 to the ends of what matplotlib has dates for
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
    worst = worst_first(shapes).index[:max_columns]
    n_down, n_across = arrange(len(worst))
    widths = [max(2.9 * n_across, 4.2), 6.6][: len(shapes)]  # a single column has no pair
    if figure is None:
        figure = pyplot().figure(figsize=(sum(widths), max(2.1 * n_down, 4.6) + 0.9), layout="constrained")
    parts = np.ravel(figure.subfigures(1, len(widths), squeeze=False, width_ratios=widths))
    _draw_worst(parts[0], real[worst], synthetic[worst], shapes)
    if len(parts) > 1:
        _draw_pairs(parts[1], trends)
    return figure


def _draw_worst(figure: SubFigure, real: pd.DataFrame, synthetic: pd.DataFrame, shapes: pd.Series) -> None:
    """One panel for each column that is shown, under the mean error of all."""
    n_shown = real.shape[1]
    axes = figure.subplots(*arrange(n_shown), squeeze=False).ravel()
    draw_columns(axes, real, synthetic, shapes)
    for spare in axes[n_shown:]:
        spare.set_visible(False)
    title = f"Shape error {percent(shapes.mean())}"
    if n_shown < len(shapes):
        title += f", the {n_shown} worst of {len(shapes)} columns"
    _title(figure, title)
    place: Any = "outside upper right"  # matplotlib's types do not know the places outside
    figure.legend(handles=handles(), loc=place, ncols=2, **LEGEND)


def handles() -> list[Patch]:
    """Handles of a legend that tells real rows from synthetic ones."""
    from matplotlib.patches import Patch

    return [Patch(color=REAL, label="real"), Patch(color=SYNTHETIC, label="synthetic")]


def draw_columns(axes: Iterable[Axes], real: pd.DataFrame, synthetic: pd.DataFrame, shapes: pd.Series) -> None:
    """How the values of each column are distributed, one panel a column, with its error in the title."""
    real, synthetic = align(real=real, synthetic=synthetic)
    columns = Encoding.fit(real, synthetic).columns
    for ax, (label, column) in zip(axes, columns.items(), strict=False):
        draw_column(ax, column, column.encode(real[label]), column.encode(synthetic[label]))
        headline(ax, short(label, 22), percent(shapes[label]), fontsize=9.5)


def draw_column(ax: Axes, column: Number | Category, real: Floats, synthetic: Floats, *, fewest: int = 1) -> None:
    """One column, real and synthetic: bars for a category, histograms for a number. Shapes: (N,), (M,).

    Levels that fewer real rows have than ``fewest`` are not named: they may say who these are.
    """
    if isinstance(column, Category):
        _draw_levels(ax, column, real, synthetic, fewest)
    else:
        _draw_numbers(ax, column, real, synthetic)


def _draw_numbers(ax: Axes, column: Number, real: Floats, synthetic: Floats) -> None:
    """Histograms on the same bins, of the observed cells, and the shares of missing ones where there are any."""
    edges = _edges(np.concatenate([real, synthetic]))
    p, q = _histogram(real, edges), _histogram(synthetic, edges)
    in_years = column.kind == "instants" and not _are_dates(edges)
    if in_years:
        edges = 1970 + edges / YEAR
    elif column.kind == "instants":
        edges = edges / DAY  # matplotlib counts days
    ax.stairs(p, edges, fill=True, color=REAL)
    ax.stairs(q, edges, color=SYNTHETIC, linewidth=1.5)
    _mark_values(ax.xaxis, column, in_years=in_years)
    _show_shares(ax, "y")
    notes = ["year"] if in_years else []
    gaps = np.isnan(real).mean(), np.isnan(synthetic).mean()
    if max(gaps) > 0:
        notes.append(f"missing {percent(gaps[0])}, synthetic {percent(gaps[1])}")
    if notes:
        ax.set_xlabel("; ".join(notes), fontsize=8, color=FAINT)


def _are_dates(edges: Floats) -> bool:
    """Whether seconds since 1970, and a margin beside them, lie in the years that matplotlib knows, 1 to 9999."""
    lower, upper = edges[0], edges[-1]
    margin = 0.1 * (upper - lower)
    return bool(CALENDAR[0] < lower - margin and upper + margin < CALENDAR[1])


def _mark_values(axis: Axis, column: Number, *, in_years: bool) -> None:
    """Few ticks, as dates or as numbers in few letters."""
    from matplotlib import dates as untyped
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    if in_years:
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda year, _: f"{year:g}".replace("-", "−")))
    elif column.kind == "instants":
        dates: Any = untyped
        axis.set_major_locator(dates.AutoDateLocator(minticks=2, maxticks=5))
        axis.set_major_formatter(dates.ConciseDateFormatter(axis.get_major_locator()))
    else:
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value + column.origin)))


def _draw_levels(ax: Axes, column: Category, real: Floats, synthetic: Floats, fewest: int) -> None:
    """Bars of the most frequent levels, of all others together, and of missing cells."""
    shares = np.stack([_shares(real, len(column.levels)), _shares(synthetic, len(column.levels))])
    by_frequency = np.argsort(-shares[:, :-1].max(axis=0), kind="stable")
    seen = [level for level in by_frequency if shares[:, level].any()]
    is_rare = (shares[0] > 0) & (shares[0] * len(real) < fewest - 0.5)
    named = [level for level in seen if not is_rare[level]]
    n_shown = MAX_LEVELS
    if len(named) == len(seen) == MAX_LEVELS + 1:  # "1 other" takes the room of its name
        n_shown += 1
    top = named[:n_shown]
    others = [level for level in seen if level not in top]
    names = short_all(column.levels[top], MAX_LETTERS)
    bars = list(shares[:, top].T)
    if others:
        names.append(f"({len(others)} others)")
        bars.append(shares[:, others].sum(axis=1))
    if shares[:, -1].any():
        names.append("(missing)")
        bars.append(shares[:, -1])
    places, (of_real, of_synthetic) = np.arange(len(bars)), np.stack(bars, axis=1)
    ax.barh(places, of_real, height=0.8, color=REAL)
    ax.barh(places, of_synthetic, height=0.28, color=SYNTHETIC)
    ax.set_yticks(places, names)
    ax.set_ylim(max(len(bars), 4) - 0.4, -0.6)
    _show_shares(ax, "x")


def _draw_pairs(figure: SubFigure, trends: pd.DataFrame) -> None:
    """A map of the errors of all pairs, in percent."""
    errors = 100 * trends
    top = max(LEAST_TOP, float(np.nanmax(errors.to_numpy(), initial=0)))
    draw_map(figure.subplots(), errors, top=top, cmap="OrRd", label="error of a pair, %", pattern="{:.1f}")
    _title(figure, f"Trend error {percent(mean_trend(trends))}")


def draw_map(ax: Axes, pairs: pd.DataFrame, *, top: float, cmap: str, label: str, pattern: str) -> None:
    """A number for each pair of columns as a colour, and as text where columns are few.

    Parameters
    ----------
    ax : Axes
        Axes of the map.
    pairs : DataFrame of shape (D, D)
        Numbers from 0 on, NaN where there is none.
    top : float
        Number at the end of the colour map.
    cmap : str
        Colour map of the cells.
    label : str
        Label of the colour bar.
    pattern : str
        Format of a number that is written out, such as "{:.1f}".
    """
    values = pairs.to_numpy()
    n_columns = len(values)
    ax.set_anchor("N")
    picture = ax.imshow(values, cmap=cmap, vmin=0, vmax=top)
    ax.set_facecolor(EMPTY_CELL)
    names = []
    if n_columns <= MAX_LABELS:
        names = short_all(pairs.columns, MAX_LETTERS)
    size = float(np.clip(130 / max(n_columns, 1), 4.5, 9))
    name_cells(ax, names, names, fontsize=size)
    if n_columns <= MAX_NUMBERS:
        write_cells(ax, values, pattern.format, dark=0.6 * top, fontsize=size - 1.5)
    bar = ax.figure.colorbar(picture, cax=ax.inset_axes((1.02, 0.5, 0.025, 0.5)))
    label_bar(bar, label, fontsize=8.5)


def _show_shares(ax: Axes, side: Literal["x", "y"]) -> None:
    """Clean axes, with percents on the axis of the shares."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = {"x": ax.xaxis, "y": ax.yaxis}[side]
    axis.set_major_locator(MaxNLocator(4))
    axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    clean(ax, grid=side, labelsize=8, linewidth=0.7)


def _title(figure: SubFigure, text: str) -> None:
    figure.suptitle(text, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)


def _histogram(values: Floats, edges: Floats) -> Floats:
    """Share of all cells, missing ones too, in each bin. Shape: (N,), (B + 1,) -> (B,)."""
    return np.histogram(values[~np.isnan(values)], edges)[0] / len(values)


def _edges(values: Floats) -> Floats:
    """Bins over all observed cells; around whole numbers where all are whole, each bin holding equally many."""
    values = values[~np.isnan(values)]
    if not len(values):
        return np.array([0.0, 1.0])
    lower, upper = values.min(), values.max()
    n_bins = int(np.clip(math.sqrt(len(values)), 10, MAX_BINS))
    if lower == upper or (values != np.rint(values)).any():
        return bin_edges(values, n_bins)
    width = math.ceil((upper - lower + 1) / n_bins)
    return np.arange(lower - 0.5, upper + 0.5 + width, width)


def _shares(codes: Floats, n_levels: int) -> Floats:
    """Share of each level, and last of missing cells. Shape: (N,) -> (n_levels + 1,)."""
    levels = np.where(np.isnan(codes), n_levels, codes).astype(int)
    return np.bincount(levels, minlength=n_levels + 1) / len(codes)


def _number(value: float) -> str:
    """A number in few letters: thousands as k and M, but no thousandths as m."""
    from matplotlib.ticker import EngFormatter

    if abs(value) >= 1000:
        return EngFormatter(sep="")(value)
    return f"{value:.6g}"
