"""The figure of a falling score: retention after it, beside customers whose score stayed."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.checks import Check, matching
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, known_rows
from cxlink.report.figures import drawing
from cxlink.report.figures.cohort_figures import draw_curve, time_ticks, until_zero
from cxlink.report.words import say

GROUPS = {"fall": "fell", "rise": "rose"}
CURVES = {
    "stayed_last": ("stayed", "last"), "changed": ("", "present"), "stayed_present": ("stayed", "present"),
}  # fmt: skip


def falling_score(
    estimates: pd.DataFrame, checks: Iterable[Check], spec: CohortSpec, *, move: str = "fall",
    simulated: bool = False, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw retention after a score that fell, beside customers who stayed at the last and at the present score.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table.
    checks : iterable of Check
        Which model each comparison stands on.
    spec : CohortSpec
        Its unit and horizon.
    move : {"fall", "rise"}
        Which change.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Raises
    ------
    InputError
        If no comparison is known.
    """
    curves = change_curves(estimates, checks, move) if move in GROUPS else {}
    if not curves:
        raise InputError(
            f'no score that {GROUPS.get(move, move)} is compared with scores that stayed: set [cohort] repeat = "all", '
            "and fit surveys of which some repeat."
        )
    last = max(curve[-1].horizon or 0 for curve in curves.values())
    low = min(
        100 * min(row.estimate, np.nan_to_num(row.conf_low, nan=1.0)) for c in curves.values() for row in c
    )
    bottom = 0.0 if low < 50 else 10 * (low // 10)
    colors = {"stayed_last": drawing.group_color("best"), "stayed_present": drawing.group_color("worst")}
    with drawing.canvas(ax, (6.3, 2.6)) as axes:
        room = (100 - bottom) / 11
        heights = drawing.apart([100 * c[-1].estimate for c in curves.values()], least=room, floor=bottom)
        for (name, curve), height in zip(curves.items(), heights, strict=True):
            color = colors.get(name, drawing.INK)
            draw_curve(axes, curve, color, from_one=True)
            axes.annotate(
                say(f"falling.curve_{name}"), (curve[-1].horizon or 0, height), (6, 0), va="center",
                textcoords="offset points", color=color, annotation_clip=False,
            )  # fmt: skip
        axes.set_xlim(0, last)
        axes.set_xticks(time_ticks(last, spec.unit))
        axes.set_ylim(bottom, 100)
        time = say("figures.time_since_survey", units=wording.units(spec.unit))
        drawing.label_axes(axes, time, say("figures.retained"))
        drawing.mark_simulated(axes, simulated)
        return axes


def change_curves(estimates: pd.DataFrame, checks: Iterable[Check], move: str) -> dict[str, list[Estimate]]:
    """Give the curves of those whose score changed, and of both comparisons, each by the model that leads.

    Returns
    -------
    dict of str to list of Estimate
        ``stayed_last``, ``fell`` (``rose``) and ``stayed_present``, those that are known.
    """
    leading = {str(check.facts["scenario"]): check.model for check in matching(checks, code="score_change")}
    found = {}
    for name, (group, beside) in CURVES.items():
        scenario = f"{move}_given_{beside}"
        rows = known_rows(
            estimates, estimand="retention", model=leading.get(scenario, ""), scenario=scenario, stratum="",
            group=group or GROUPS[move],
        )  # fmt: skip
        found[GROUPS[move] if name == "changed" else name] = until_zero(rows)
    return {name: curve for name, curve in found.items() if curve}
