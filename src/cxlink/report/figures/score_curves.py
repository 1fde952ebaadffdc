"""The figure of retention by time since the score, a curve for each score."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, known_rows, one_kind
from cxlink.report.figures import drawing
from cxlink.report.figures.cohort_figures import draw_curve, time_ticks, until_zero
from cxlink.report.words import say

_FAINT = 0.08
MOST_BANDS = 5  # curves whose bands can be told apart; of more the two ends of the scale have one
_NEAR = 30  # names this part of the time axis apart stand side by side
_MOST_NAMES = 12  # that fit beside each other; of more levels every second, third, … is named


def level_curves(estimates: pd.DataFrame, spec: CohortSpec) -> dict[str, list[Estimate]]:
    """Give each level's Kaplan–Meier curve, from the worst to the best: standardised where all of it is, else not."""
    every = known_rows(estimates, estimand="retention", model="kaplan_meier", scenario="")
    rows = [row for row in every if not (row.stratum or row.cause)]
    curves = {}
    for level in map(str, spec.scale.levels):
        curve = until_zero(one_kind([row for row in rows if row.group == level]))
        if curve:
            curves[level] = curve
    return curves


def score_curves(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw retention of every score level by time since the score.

    Of more than `MOST_BANDS` levels the lowest and the highest have an interval band and a thick line: the bands of all
    would hide each other and the lines. Those of each level at the horizon stand in another figure, by score.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table.
    spec : CohortSpec
        Its scale, unit and horizon.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    curves = level_curves(estimates, spec)
    last = max((curve[-1].horizon or 0 for curve in curves.values()), default=1)
    late = spec.subscription is not None and spec.subscription.clock == "signup"
    with drawing.canvas(ax, (6.3, 3.0)) as axes:
        colors = dict(
            zip(map(str, spec.scale.levels), drawing.score_colors(len(spec.scale.levels)), strict=True)
        )
        banded = with_bands(curves)
        for level, curve in curves.items():
            band = 0.0 if level not in banded else _FAINT if banded == list(curves) else drawing.BAND
            draw_curve(axes, curve, colors[level], from_one=not late or curve[0].horizon == 1, band=band)
        _names(axes, curves, colors, spec)
        axes.set_xlim(0, last)
        axes.set_xticks(time_ticks(last, spec.unit))
        axes.set_ylim(0, 100)
        time = say("figures.time_since_score", units=wording.units(spec.unit))
        drawing.label_axes(axes, time, say("figures.retained"))
        drawing.mark_simulated(axes, simulated)
        return axes


def with_bands(curves: Mapping[str, Sequence[Estimate]]) -> list[str]:
    """Give the levels whose interval is drawn: all of a few, the lowest and the highest of many."""
    levels = list(curves)
    return levels if len(levels) <= MOST_BANDS else [levels[0], levels[-1]]


def _names(
    ax: Axes, curves: Mapping[str, Sequence[Estimate]], colors: Mapping[str, drawing.Color], spec: CohortSpec
) -> None:
    """Write each score beside the end of its curve, those that end together apart."""
    every = -(-len(curves) // _MOST_NAMES)
    named = dict(list(curves.items())[::every])
    heights = _heights(
        {level: (curve[-1].horizon or 0, 100 * curve[-1].estimate) for level, curve in named.items()}
    )
    for level, curve in named.items():
        ax.annotate(
            wording.levels(level, spec), (curve[-1].horizon or 0, heights[level]), (5, 0), va="center", fontsize=6.5,
            textcoords="offset points", color=colors[level], annotation_clip=False,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )  # fmt: skip


def _heights(ends: Mapping[str, tuple[int, float]]) -> dict[str, float]:
    """Give the heights of the names: apart where curves end at about the same time, else at their ends."""
    near = max((time for time, _ in ends.values()), default=0) / _NEAR
    beside: list[list[str]] = []
    for level, (time, _) in sorted(ends.items(), key=lambda end: end[1][0]):
        if beside and time - ends[beside[-1][-1]][0] <= near:
            beside[-1].append(level)
        else:
            beside.append([level])
    heights: dict[str, float] = {}
    for names in beside:
        names.sort(key=list(ends).index)
        placed = drawing.apart([ends[name][1] for name in names], least=5, floor=2)
        heights |= dict(zip(names, placed, strict=True))
    return heights
