"""The figure of customers without a score."""

import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, known_rows
from cxlink.report.figures import drawing
from cxlink.report.figures.cohort_figures import draw_curve, time_ticks, until_zero
from cxlink.report.words import say

CURVES = {"all": ("figures.with_score", drawing.GREY), "not_scored": ("figures.without_score", drawing.INK)}


def unanswered_curves(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw retention of customers without a score beside that of all with one, both unadjusted, with interval bands.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table.
    spec : CohortSpec
        Its unit and horizon.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    curves = known_curves(estimates)
    last = max((curve[-1].horizon or 0 for curve in curves.values()), default=1)
    with drawing.canvas(ax, (6.3, 2.2)) as axes:
        heights = drawing.apart([100 * c[-1].estimate for c in curves.values()], least=9, floor=3)
        for (group, curve), height in zip(curves.items(), heights, strict=True):
            name, color = CURVES[group]
            draw_curve(axes, curve, color, from_one=True)
            axes.annotate(
                say(name), (curve[-1].horizon or 0, height), (6, 0), va="center", textcoords="offset points",
                color=color, annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(0, last)
        axes.set_xticks(time_ticks(last, spec.unit))
        axes.set_ylim(0, 100)
        time = say("figures.time_since_survey", units=wording.units(spec.unit))
        drawing.label_axes(axes, time, say("figures.retained"))
        drawing.mark_simulated(axes, simulated)
        return axes


def known_curves(estimates: pd.DataFrame) -> dict[str, list[Estimate]]:
    """Give the unadjusted curves of customers with and without a score, as far as both are known."""
    rows = known_rows(
        estimates, estimand="retention", model="kaplan_meier", stratum="", cause="", scenario="", adjusted="no",
        group=tuple(CURVES),
    )  # fmt: skip
    found = {group: [row for row in rows if row.group == group] for group in CURVES}
    last = min(max((row.horizon or 0 for row in curve), default=0) for curve in found.values())
    within = {group: [row for row in curve if (row.horizon or 0) <= last] for group, curve in found.items()}
    return {group: until_zero(curve) for group, curve in within.items() if curve}
