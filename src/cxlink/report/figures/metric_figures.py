"""The figure of metrics over time."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.errors import InputError
from cxlink.report.figures import drawing
from cxlink.report.metric_sections.metric_names import Metric, metric_list, unit_words, version_name
from cxlink.report.words import say

SHOWN = (
    "nps", "csat_top_two_box", "ces_mean", "churn_rate", "transaction_size", "cost_to_serve", "contract_value",
)  # fmt: skip
_MOST_LABELS = 9


def known_over_time(metrics: pd.DataFrame) -> dict[tuple[str, str], list[Metric]]:
    """Give the metrics of everybody that are known in two calendar periods or more, in the order they are shown."""
    rows = [
        row
        for row in metric_list(metrics, variable="", metric=SHOWN)
        if row.period and row.estimate == row.estimate
    ]
    found: dict[tuple[str, str], list[Metric]] = {}
    for row in sorted(rows, key=lambda row: (SHOWN.index(row.metric), row.version, row.period)):
        found.setdefault((row.metric, row.version), []).append(row)
    return {key: line for key, line in found.items() if len(line) > 1}


def metric_over_time(
    metrics: pd.DataFrame, metric: str = "", *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw a metric by calendar period, with its intervals.

    Parameters
    ----------
    metrics : DataFrame
        The metrics table.
    metric : str
        Which; the first that is known over time where left out.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Raises
    ------
    InputError
        If it is not known in two calendar periods.
    """
    lines = known_over_time(metrics)
    name = metric or next((key[0] for key in lines), "")
    mine = [line for key, line in lines.items() if key[0] == name]
    if not mine:
        raise InputError(
            f"{metric or 'no metric'}: not known in two calendar periods or more, so nothing to draw."
        )
    with drawing.canvas(ax, (3.1, 1.9)) as axes:
        _draw(axes, mine)
        drawing.mark_simulated(axes, simulated)
        return axes


def metrics_over_time(metrics: pd.DataFrame, *, simulated: bool = False) -> Axes:
    """Draw every metric that is known over time, one picture each, two in a row; the axes of the first."""
    lines = known_over_time(metrics)
    names = list(dict.fromkeys(key[0] for key in lines))
    rows = (len(names) + 1) // 2
    with drawing.sheet((6.3, 1.75 * rows), rows, 2) as panels:
        for panel, name in zip(panels, names, strict=False):
            _draw(panel, [line for key, line in lines.items() if key[0] == name])
        for panel in panels[len(names) :]:
            panel.set_axis_off()
        drawing.mark_simulated(panels[min(1, len(names) - 1)], simulated)
        return panels[0]


def _draw(axes: Axes, lines: Sequence[Sequence[Metric]]) -> None:
    """Draw one metric in its versions: dots with intervals, joined by a line."""
    periods = sorted({row.period for line in lines for row in line})
    place = {period: i for i, period in enumerate(periods)}
    colors = [drawing.group_color("best"), drawing.GREY]
    for k, line in enumerate(lines[:2]):
        times = 100.0 if line[0].unit == "probability" else 1.0
        x = [place[row.period] + 0.12 * k for row in line]
        y = [times * row.estimate for row in line]
        down = [times * (row.estimate - row.conf_low) for row in line]
        up = [times * (row.conf_high - row.estimate) for row in line]
        # of a single customer there is no interval
        reach = [[max(end, 0.0) if end == end else 0.0 for end in ends] for ends in (down, up)]
        axes.plot(x, y, color=colors[k], lw=0.7, alpha=0.6)
        label = version_name(line[0].version)
        axes.errorbar(x, y, yerr=reach, fmt="o", ms=3, lw=0.9, color=colors[k], label=label)
    if len(lines) > 1:
        axes.legend(loc="best", fontsize=6, handletextpad=0.2, borderaxespad=0.1)
    step = -(-len(periods) // _MOST_LABELS)
    axes.set_xticks(range(0, len(periods), step))
    axes.set_xticklabels([_written(period) for period in periods[::step]], fontsize=6)
    axes.set_xlim(-0.5, len(periods) - 0.4)
    drawing.plain_numbers(axes.yaxis)
    first = lines[0][0]
    drawing.label_axes(axes, "", f"{say(f'metrics.axis_{first.metric}')}\n({unit_words(first)})")


def _written(period: str) -> str:
    """Write a calendar period short: ``2026Q1`` as Q1 under the year."""
    quarter = pd.Period(period, freq="Q")
    return f"Q{quarter.quarter}\n{quarter.year}"
