"""What all figures share: one style, one palette, and SVG whose bytes do not depend on the machine."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from cxlink.report.format import NONE, THIN, printable, whole
from cxlink.report.words import say

Color = str | tuple[float, float, float, float]

INK, GREY = "#222222", "#5f5f5f"
BAND = 0.18
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 7.5, "axes.labelsize": 7.5,
    "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#444444", "axes.linewidth": 0.6,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.color": "#444444", "ytick.color": "#444444",
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.axisbelow": True,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#e4e4e4", "grid.linewidth": 0.5,
    "svg.hashsalt": "cxlink", "svg.fonttype": "path", "text.parse_math": False, "path.simplify": False,
}  # fmt: skip
_RATIOS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9))
_ENDS = (0.64, 0.04)  # of the map: no colour lighter than 3:1 against white


@contextmanager
def canvas(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """Give the axes to draw on, in the report's style: the caller's, or those of a new figure (inches)."""
    with style.context(["default", STYLE]):
        yield Figure(figsize=size, layout="constrained").add_subplot() if ax is None else ax


@contextmanager
def sheet(
    size: tuple[float, float], n_rows: int, n_columns: int, heights: Sequence[float] | None = None,
    widths: Sequence[float] | None = None,
) -> Iterator[list[Axes]]:  # fmt: skip
    """Give the axes of a new figure of several, in the report's style, row by row."""
    with style.context(["default", STYLE]):
        figure = Figure(figsize=size, layout="constrained")
        yield list(
            figure.subplots(
                n_rows, n_columns, squeeze=False, height_ratios=heights, width_ratios=widths
            ).ravel()
        )


def score_colors(n: int) -> list[Color]:
    """Give colours for ordered scores from the worst (warm) to the best (dark), safe when colour-blind."""
    return [mpl.colormaps["plasma"](place) for place in np.linspace(*_ENDS, max(n, 2))[:n]]


def group_color(group: str) -> Color:
    """Give the colour of a band: the ends of the map for worst and best, grey for everybody."""
    worst, best = score_colors(2)
    return {"worst": worst, "best": best}.get(group, GREY)


def label_axes(ax: Axes, x: str, y: str) -> None:
    """Name both axes; the text is printed as it is, dollars included."""
    ax.set_xlabel(_lines(x), parse_math=False)
    ax.set_ylabel(_lines(y), parse_math=False)


def _lines(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def mark_simulated(ax: Axes, simulated: bool) -> None:
    """Say on the picture that its customers are simulated."""
    if simulated:
        ax.set_title(say("figures.simulated"), loc="right", fontsize=7, color=GREY, style="italic", pad=4)


def legend_above(ax: Axes, columns: int) -> None:
    """Explain the marks in rows above the picture, left of what else stands there; nothing where there are none."""
    if not ax.get_legend_handles_labels()[0]:
        return
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, columnspacing=1.2, handletextpad=0.4,
        borderaxespad=0.1,
    )  # fmt: skip


def plain_numbers(axis: Axis) -> None:
    """Write tick labels as the text writes numbers: thin grouping, a true minus, no offset."""
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.10g}".replace(",", THIN).replace("-", "−")))


def ratio_axis(ax: Axes, low: float, high: float) -> None:
    """Make the horizontal axis one of ratios, logarithmic from one limit to the other, with ticks at round ones."""
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.xaxis.set_major_locator(FixedLocator(ratio_ticks(low, high)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def ratio_ticks(low: float, high: float) -> list[float]:
    """Give round ratios between two positive limits: the roundest of which at least three fit, nine at most."""
    powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for steps in _RATIOS:
        ticks = np.unique(np.round(np.outer(powers, steps), 12))
        ticks = ticks[(low <= ticks) & (ticks <= high)]
        if len(ticks) >= 3:
            return [float(tick) for tick in ticks[:: -(-len(ticks) // 9)]]
    return [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]


def numbers_below(
    ax: Axes, title: str, lines: Mapping[str, Sequence[int | None]], *, smallest: int = 0, size: float = 6.5
) -> None:
    """Write a line of numbers below the time axis for each group, a number at each tick.

    Parameters
    ----------
    ax : Axes
        With its ticks as they stay.
    title : str
        What is counted.
    lines : mapping of str to sequence of int or None
        By the name of the group; None is not known.
    smallest : int
        Numbers under it, but 0, are not shown.
    size : float
        Of the letters, in points; the lines stand apart in proportion.
    """
    write = partial(
        ax.annotate, xycoords=ax.get_xaxis_transform(), textcoords="offset points", va="center", fontsize=size,
        color=INK, annotation_clip=False,
    )  # fmt: skip
    left, scale = ax.get_xlim()[0], size / 6.5
    write(title, (left, 0), xytext=(0, -36 * scale), ha="left")
    for line, (name, numbers) in enumerate(lines.items()):
        down = -(46 + 9 * line) * scale
        write(name, (left, 0), xytext=(-20 * scale, down), ha="right")
        for tick, n in zip(ax.get_xticks(), numbers, strict=True):
            text = NONE if n is None or 0 < n < smallest else whole(n)
            write(text, (tick, 0), xytext=(0, down), ha="center")


def apart(heights: Sequence[float], least: float, floor: float = -np.inf) -> list[float]:
    """Move labels so that neighbours are at least this far apart and none is below the floor, in their order."""
    order = np.argsort(heights, kind="stable")
    placed = np.asarray(heights, dtype=float)[order]
    for _ in range(50):
        placed[:1] = np.maximum(placed[:1], floor)
        for i in np.flatnonzero(np.diff(placed) < least - 1e-9):
            short = (least - (placed[i + 1] - placed[i])) / 2
            placed[i : i + 2] += (-short, short)
    # what a floor still holds together goes up
    steps = least * np.arange(len(placed))
    placed = np.maximum.accumulate(np.maximum(placed, floor) - steps) + steps
    result = np.empty_like(placed)
    result[order] = placed
    return [float(height) for height in result]


def svg(ax: Axes) -> str:
    """Write the figure of an axes as SVG: no date, fixed identifiers, letters as outlines.

    Where texts are too long for any layout, the picture grows around them, and what matplotlib says of it is not told.
    """
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("these axes stand on no figure")
    with style.context(["default", STYLE]), warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = _saved(figure)
        if told:
            figure.set_layout_engine("none")
            made = _saved(figure, "tight")
    return made


def _saved(figure: Figure, box: Literal["tight"] | None = None) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, bbox_inches=box)
    return buffer.getvalue()
