"""Estimates of simulated customers beside the truth, read in two ways."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from cxlink.report.figures import drawing
from cxlink.report.words import say

TRUTH = drawing.INK
FIRST, SECOND = drawing.score_colors(2)
Interval = tuple[float, float, float]
"""Estimate and both limits."""


@dataclass(frozen=True, slots=True)
class KnownTruth:
    """One line of the figure.

    Attributes
    ----------
    name : str
        What it is about.
    readings : tuple of (str, (float, float, float), float)
        Name of each reading, its estimate with both limits, and what is true of it; NaN where that is not known.
    """

    name: str
    readings: tuple[tuple[str, Interval, float], ...]


def beside_truth(
    rows: Sequence[KnownTruth], axis: str, group: str, *, simulated: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw each reading with its interval, and a mark where the truth is.

    Parameters
    ----------
    rows : sequence of KnownTruth
        From the top; all with the same readings, two at most.
    axis, group : str
        Names of the axes, with the unit.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    with drawing.canvas(ax, (6.3, 0.9 + 0.42 * len(rows))) as axes:
        axes.axvline(0.0, color=drawing.GREY, lw=0.6, ls=":")
        for line, row in enumerate(rows):
            for place, (_, (estimate, low, high), truth) in enumerate(row.readings):
                height, color = line - 0.17 + 0.34 * place, (FIRST, SECOND)[place]
                axes.hlines(height, low, high, color=color, lw=1.2)
                axes.plot([estimate], [height], "o", ms=4, color=color)
                axes.vlines(truth, height - 0.15, height + 0.15, color=TRUTH, lw=1.8, zorder=3)
        axes.plot([], [], "|", ms=8, mew=1.8, color=TRUTH, label=say("study.truth_mark"))
        for (name, _, _), color in zip(rows[0].readings, (FIRST, SECOND), strict=False):
            axes.plot([], [], "o-", ms=4, lw=1.2, color=color, label=name)
        drawing.legend_above(axes, 3)
        axes.set_yticks(range(len(rows)), [row.name for row in rows])
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        drawing.plain_numbers(axes.xaxis)
        drawing.label_axes(axes, axis, group)
        drawing.mark_simulated(axes, simulated)
        return axes
