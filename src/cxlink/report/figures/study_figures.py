"""The figure of the published study: what was printed, what is true here, and what the analysis finds."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import pandas as pd
from matplotlib.axes import Axes

from cxlink.report.figures import drawing
from cxlink.report.words import say

PUBLISHED, TRUTH = drawing.INK, "#8a8a8a"
NAIVE, ADJUSTED = drawing.score_colors(2)


@dataclass(frozen=True, slots=True)
class StudyFigure:
    """One figure of the study: published, true, naive and adjusted; NaN or empty where there is none."""

    figure: str
    group: str
    horizon: int | None
    unit: str
    published: float
    published_status: str
    published_wording: str
    truth: float
    naive: float
    naive_low: float
    naive_high: float
    adjusted: float
    adjusted_low: float
    adjusted_high: float

    @property
    def is_published(self) -> bool:
        """Whether the study printed anything about it, in numbers or in words."""
        return not math.isnan(self.published) or bool(self.published_wording)

    @property
    def status(self) -> str:
        """How it was published."""
        status = self.published_status or say("study.printed")
        if self.published_wording and math.isnan(self.published):
            return say("study.status_worded", status=status, words=self.published_wording)
        return status

    def estimate_of(self, name: str) -> tuple[float, float, float]:
        """Give ``published``, ``truth``, ``naive`` or ``adjusted``, with its interval or NaN."""
        if name in ("published", "truth"):
            return self.published if name == "published" else self.truth, math.nan, math.nan
        if name == "naive":
            return self.naive, self.naive_low, self.naive_high
        return self.adjusted, self.adjusted_low, self.adjusted_high

    def covers_truth(self, name: str) -> bool:
        """Whether the interval of ``naive`` or ``adjusted`` holds the truth."""
        _, low, high = self.estimate_of(name)
        return low <= self.truth <= high

    def is_infinite(self, name: str) -> bool:
        """Whether an estimate is infinite."""
        return math.isinf(self.estimate_of(name)[0])


def compared(comparison: pd.DataFrame) -> list[StudyFigure]:
    """Read the rows of a comparison table, see `cxlink.report.content.Study`."""
    columns = [comparison[field.name].tolist() for field in fields(StudyFigure)]
    columns[1] = [str(group) for group in columns[1]]
    columns[2] = [None if pd.isna(horizon) else int(horizon) for horizon in columns[2]]
    for i in (5, 6):
        columns[i] = ["" if pd.isna(text) else str(text) for text in columns[i]]
    return [StudyFigure(*values) for values in zip(*columns, strict=True)]


def study_comparison(
    rows: Sequence[StudyFigure], names: Sequence[str], label: str, *, scale: float = 1.0, simulated: bool = True,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw published figure, truth, naive and adjusted estimate with their intervals, one line a group.

    Parameters
    ----------
    rows : sequence of StudyFigure
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
            for height, color, name in (
                (line - 0.12, NAIVE, "naive"),
                (line + 0.12, ADJUSTED, "adjusted"),
            ):
                estimate, low, high = row.estimate_of(name)
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
        drawing.label_axes(axes, label, say("study.group_axis"))
        drawing.mark_simulated(axes, simulated)
        return axes


def name_marks(ax: Axes, published: bool = True) -> None:
    """Explain the marks of `study_comparison` above an axes."""
    if published:
        ax.plot([], [], "v", ms=4.5, color=PUBLISHED, label=say("study.published_mark"))
    ax.plot([], [], "|", ms=8, mew=1.4, color=TRUTH, label=say("study.truth_mark"))
    ax.plot([], [], "o-", ms=4, lw=1.2, color=NAIVE, label=say("study.naive_mark"))
    ax.plot([], [], "o-", ms=4, lw=1.2, color=ADJUSTED, label=say("study.adjusted_mark"))
    drawing.legend_above(ax, 4)
