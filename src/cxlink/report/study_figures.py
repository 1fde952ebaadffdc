"""The figure of the published study: what was printed, what is true here, and what the analysis finds."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd
from matplotlib.axes import Axes

from cxlink.report import drawing

PUBLISHED, TRUTH = drawing.INK, "#8a8a8a"
NAIVE, ADJUSTED = drawing.score_colors(2)


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of the study: published, true, naive and adjusted; NaN where there is none."""

    figure: str
    group: str
    horizon: int | None
    unit: str
    published: float
    published_status: str
    truth: float
    naive: float
    naive_low: float
    naive_high: float
    adjusted: float
    adjusted_low: float
    adjusted_high: float


def compared(comparison: pd.DataFrame) -> list[Compared]:
    """Read the rows of a comparison table, see `cxlink.report.content.Study`."""
    columns = [comparison[field.name].tolist() for field in fields(Compared)]
    columns[1] = [str(group) for group in columns[1]]
    columns[2] = [None if pd.isna(horizon) else int(horizon) for horizon in columns[2]]
    columns[5] = ["" if pd.isna(status) else str(status) for status in columns[5]]
    return [Compared(*values) for values in zip(*columns, strict=True)]


def study_comparison(
    rows: Sequence[Compared], names: Sequence[str], label: str, *, scale: float = 1.0, simulated: bool = True,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw published figure, truth, naive and adjusted estimate with their intervals, one line a group.

    Parameters
    ----------
    rows : sequence of Compared
        Rows of one figure.
    names : sequence of str
        Of the lines.
    label : str
        Of the axis, with its unit.
    scale : float
        Factor on the values, such as 100 for per cent.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    with drawing.canvas(ax, (6.3, 0.7 + 0.42 * len(rows))) as axes:
        for line, row in enumerate(rows):
            for height, color, estimate, low, high in (
                (line - 0.12, NAIVE, row.naive, row.naive_low, row.naive_high),
                (line + 0.12, ADJUSTED, row.adjusted, row.adjusted_low, row.adjusted_high),
            ):
                axes.hlines(height, scale * low, scale * high, color=color, lw=1.2)
                axes.plot([scale * estimate], [height], "o", ms=4, color=color)
            axes.vlines(scale * row.truth, line - 0.32, line + 0.32, color=TRUTH, lw=1.4)
            axes.plot([scale * row.published], [line - 0.32], "v", ms=4.5, color=PUBLISHED, clip_on=False)
        axes.set_yticks(range(len(rows)), names)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.set_xlim(left=0)
        drawing.plain_numbers(axes.xaxis)
        drawing.label_axes(axes, label, "Group (score)")
        drawing.mark_simulated(axes, simulated)
        return axes


def name_marks(ax: Axes) -> None:
    """Explain the marks of `study_comparison` above an axes."""
    ax.plot([], [], "v", ms=4.5, color=PUBLISHED, label="published")
    ax.plot([], [], "|", ms=8, mew=1.4, color=TRUTH, label="truth of the simulation")
    ax.plot([], [], "o-", ms=4, lw=1.2, color=NAIVE, label="naive")
    ax.plot([], [], "o-", ms=4, lw=1.2, color=ADJUSTED, label="adjusted")
    drawing.legend_above(ax, 4)
