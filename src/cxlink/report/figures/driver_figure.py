"""The figure of drivers: how much a score tells, against how well the company does on it."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.metrics.drivers.driver_frame import score_labels
from cxlink.metrics.drivers.driver_metrics import GAINS, MEAN
from cxlink.report.figures import drawing
from cxlink.report.metric_sections.metric_names import Metric, metric_list
from cxlink.report.words import say

_NARROWEST = 0.2
"""Of the axis of means: differences of a hundredth are none to act on."""
_LINE = 0.09
"""Height of a name, as a share of the axis."""


def compared_outcomes(drivers: pd.DataFrame) -> list[str]:
    """Outcomes of which Shapley values are known."""
    return [outcome for outcome in GAINS if _known(drivers, GAINS[outcome])]


def importance_performance(
    drivers: pd.DataFrame, spec: CohortSpec, outcome: str = "", *, simulated: bool = False, ax: Axes | None = None
) -> Axes:  # fmt: skip
    """Draw the Shapley gain of each score against its mean, both with their intervals.

    Parameters
    ----------
    drivers : DataFrame
        Rows of the metrics table, as `driver_rows.drivers_of` gives them.
    spec : CohortSpec
        Names the scores' columns.
    outcome : {"", "retention", "spend"}
        Which; the first that is known by default.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Raises
    ------
    InputError
        If nothing was compared for the outcome.
    """
    known = compared_outcomes(drivers)
    if not known or (outcome and outcome not in known):
        raise InputError(
            f"no scores were compared for {outcome or 'any outcome'}, so there is nothing to draw."
        )
    with drawing.canvas(ax, (3.6, 2.6)) as axes:
        _draw(axes, drivers, spec, outcome or known[0])
        drawing.mark_simulated(axes, simulated)
        return axes


def every_importance(drivers: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False) -> Axes:
    """Draw each outcome that was compared in a panel of its own, two beside each other; the axes of the first."""
    outcomes = compared_outcomes(drivers)
    with drawing.sheet((6.3, 2.4), 1, 2) as panels:
        for panel, outcome in zip(panels, outcomes, strict=False):
            _draw(panel, drivers, spec, outcome)
        for panel in panels[len(outcomes) :]:
            panel.set_axis_off()
        drawing.mark_simulated(panels[len(outcomes) - 1], simulated)
        return panels[0]


def _known(drivers: pd.DataFrame, metric: str) -> dict[str, Metric]:
    rows = metric_list(drivers, metric=metric, version="shapley")
    return {row.category: row for row in rows if row.estimate == row.estimate}


def _draw(axes: Axes, drivers: pd.DataFrame, spec: CohortSpec, outcome: str) -> None:
    gains = _known(drivers, GAINS[outcome])
    means = {row.category: row for row in metric_list(drivers, metric=MEAN)}
    axes.axhline(0.0, color=drawing.GREY, lw=0.6)
    for name, gain in gains.items():
        x, y = means[name], gain
        axes.errorbar(
            [x.estimate], [y.estimate], xerr=_reach(x), yerr=_reach(y), fmt="o", ms=4, lw=1.0,
            color=drawing.group_color("best"),
        )  # fmt: skip
    axes.margins(x=0.1, y=0.12)
    _name(
        axes,
        {name: (means[name].estimate, gain.estimate) for name, gain in gains.items()},
        score_labels(spec),
    )
    unit = next(iter(gains.values())).unit
    drawing.label_axes(axes, say("drivers.axis_mean"), say(f"drivers.axis_{outcome}", unit=unit))
    low, high = axes.get_xlim()
    middle, half = (low + high) / 2, max(high - low, _NARROWEST) / 2
    axes.set_xlim(middle - half, middle + 1.5 * half)
    drawing.plain_numbers(axes.xaxis)
    drawing.plain_numbers(axes.yaxis)


def _reach(row: Metric) -> list[list[float]]:
    return [[max(row.estimate - row.conf_low, 0.0)], [max(row.conf_high - row.estimate, 0.0)]]


def _name(axes: Axes, places: Mapping[str, tuple[float, float]], columns: Mapping[str, str]) -> None:
    """Write the scores' names right of their dots, apart from each other."""
    low, high = axes.get_ylim()
    apart = drawing.apart([y for _, y in places.values()], _LINE * (high - low))
    for (name, (x, _)), height in zip(places.items(), apart, strict=True):
        axes.annotate(
            columns[name],
            (x, height),
            xytext=(6, 3),
            textcoords="offset points",
            fontsize=7,
            parse_math=False,
        )
