"""The figure of a journey: what a point at each touchpoint goes with, and how its scores change."""

import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.errors import InputError
from cxlink.metrics.journey.journey_changes import quarter_number
from cxlink.metrics.journey.journey_rows import CONTRASTS, MEAN, VARIABLE
from cxlink.report.figures import drawing
from cxlink.report.format import shortened
from cxlink.report.metric_sections.metric_names import Metric, metric_list
from cxlink.report.words import say

_MOST_LABELS = 6
_FEWEST = 10
"""Customers in a quarter, under whom its mean is not drawn."""


def journey(metrics: pd.DataFrame, *, simulated: bool = False, ax: Axes | None = None) -> Axes:
    """Draw what one point at each touchpoint goes with, given the scores at all others.

    Parameters
    ----------
    metrics : DataFrame
        The metrics table.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Raises
    ------
    InputError
        If no touchpoint has a contrast.
    """
    rows = told(metrics)
    if not rows:
        raise InputError("no touchpoint is compared: name the contacts in [touchpoints], and fit again.")
    with drawing.canvas(ax, (3.6, 0.8 + 0.3 * len(rows))) as axes:
        _draw_contrasts(axes, rows)
        drawing.mark_simulated(axes, simulated)
        return axes


def journey_sheet(metrics: pd.DataFrame, *, simulated: bool = False) -> Axes:
    """Draw the contrasts, and the mean score of each touchpoint by quarter; the axes of the first."""
    rows = told(metrics)
    with drawing.sheet((6.3, 1.2 + 0.3 * max(len(rows), 3)), 1, 2) as (left, right):
        _draw_contrasts(left, rows)
        _draw_means(right, metrics)
        drawing.mark_simulated(right, simulated)
        return left


def told(metrics: pd.DataFrame) -> list[Metric]:
    """Give the contrasts of retention given the other touchpoints, of spend where there is no retention."""
    for metric in CONTRASTS.values():
        rows = [row for row in metric_list(metrics, metric=metric, version="partial", variable=VARIABLE)
                if row.estimate == row.estimate]  # fmt: skip
        if rows:
            return rows
    return []


def _draw_contrasts(axes: Axes, rows: list[Metric]) -> None:
    axes.axvline(0.0, color=drawing.GREY, lw=0.6, ls=":")
    times = 100.0 if rows[0].unit == "probability" else 1.0
    for line, row in enumerate(rows):
        color = drawing.group_color("best")
        axes.hlines(line, times * row.conf_low, times * row.conf_high, color=color, lw=1.2)
        axes.plot([times * row.estimate], [line], "o", ms=4, color=color)
    axes.set_yticks(range(len(rows)), [shortened(row.category) for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    drawing.plain_numbers(axes.xaxis)
    outcome = next(name for name, metric in CONTRASTS.items() if metric == rows[0].metric)
    drawing.label_axes(
        axes, say(f"journey.axis_{outcome}", unit=rows[0].unit), say("journey.column_touchpoint")
    )


def _draw_means(axes: Axes, metrics: pd.DataFrame) -> None:
    """One line a touchpoint, with its intervals; named right of its end."""
    means = metric_list(metrics, metric=MEAN, variable=VARIABLE)
    names = list(dict.fromkeys(row.category for row in means))
    quarters = sorted({row.period for row in means if row.period and (row.n or 0) >= _FEWEST})
    colors = drawing.score_colors(len(names))
    ends = {}
    for name, color in zip(names, colors, strict=True):
        own = [row for row in means if row.category == name and row.period]
        line = [row for row in own if (row.n or 0) >= _FEWEST]
        if not line:
            continue
        x = [quarter_number(row.period) for row in line]
        y = [row.estimate for row in line]
        below = [row.estimate - row.conf_low for row in line]
        above = [row.conf_high - row.estimate for row in line]
        axes.errorbar(x, y, yerr=[below, above], fmt="o-", ms=3, lw=1.0, elinewidth=0.7, color=color)
        ends[name] = (x[-1], y[-1], color)
    low, high = axes.get_ylim()
    heights = drawing.apart([y for _, y, _ in ends.values()], 0.09 * (high - low))
    for (name, (x_end, _, color)), height in zip(ends.items(), heights, strict=True):
        axes.annotate(
            shortened(name), (x_end, height), (6, 0), textcoords="offset points", va="center", color=color,
            fontsize=7, annotation_clip=False, parse_math=False,
        )  # fmt: skip
    shown = quarters[:: max(1, -(-len(quarters) // _MOST_LABELS))]
    axes.set_xticks([quarter_number(one) for one in shown], shown)
    drawing.plain_numbers(axes.yaxis)
    drawing.label_axes(axes, say("journey.axis_quarter"), say("journey.axis_mean"))
