"""Figures of a cohort: scores, retention and spend. Each draws what the estimates table holds."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, known_rows, one_kind
from cxlink.report.figures import drawing
from cxlink.report.figures.drawing import Color
from cxlink.report.words import say

BANDS = ("best", "all", "worst")
_NOBODY = 5e-4  # of all customers: prints as 0.0 %
_STEPS = {
    "day": (1, 7, 30, 90, 180, 365, 730), "week": (1, 4, 13, 26, 52, 104), "quarter": (1, 2, 4, 8, 20, 40),
    "month": (1, 2, 3, 6, 12, 24, 60, 120), "year": (1, 2, 5, 10, 20),
}  # fmt: skip


def score_distribution(
    scores: Mapping[int, int | None], spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw how many customers gave each score.

    Parameters
    ----------
    scores : mapping of level to number of customers
        None where the level is suppressed.
    spec : CohortSpec
        Its scale.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    levels = spec.scale.levels
    with drawing.canvas(ax, (6.3, 1.9)) as axes:
        heights = [scores.get(level) or 0 for level in levels]
        bars = axes.bar(range(len(levels)), heights, width=0.72, color=drawing.score_colors(len(levels)))
        if len(levels) <= 21:
            names = [wording.whole(scores.get(level, 0)) for level in levels]
            axes.bar_label(bars, names, padding=1.5, fontsize=6.5, color=drawing.INK)
        axes.margins(y=0.13)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        _score_axis(axes, spec, say("figures.customers"))
        drawing.plain_numbers(axes.yaxis)
        drawing.mark_simulated(axes, simulated)
        return axes


def retention_curves(
    estimates: pd.DataFrame, spec: CohortSpec, *, at_risk: pd.DataFrame | None = None, scenario: str = "",
    simulated: bool = False, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw retention of both bands and of everybody, with interval bands and numbers at risk.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table; standardised curves where it has them.
    spec : CohortSpec
        Its unit, horizon and bands.
    at_risk : DataFrame, optional
        ``group, period, at_risk``: the numbers below the curves; none where it is left out.
    scenario : str
        The main analysis, or ``since_signup``.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    rows = known_rows(
        estimates, estimand="retention", model="kaplan_meier", stratum="", cause="", scenario=scenario
    )
    curves = {
        group: curve
        for group in BANDS
        if (curve := until_zero(one_kind([r for r in rows if r.group == group])))
    }
    last = max((curve[-1].horizon or 0 for curve in curves.values()), default=1)
    last = max(last, min(spec.horizon, max((row.horizon or 0 for row in rows), default=spec.horizon)))
    with drawing.canvas(ax, (6.3, 3.0)) as axes:
        for group, curve in curves.items():
            draw_curve(axes, curve, drawing.group_color(group), from_one=scenario == "")
        _end_labels(axes, curves, spec)
        axes.set_xlim(0, last)
        axes.set_xticks(time_ticks(last, spec.unit))
        axes.set_ylim(0, 100)
        time = say(f"figures.time_since_{'signup' if scenario else 'score'}", units=wording.units(spec.unit))
        drawing.label_axes(axes, time, say("figures.retained"))
        if scenario == "" and spec.horizon <= last:
            axes.axvline(spec.horizon, color=drawing.GREY, lw=0.6, ls=(0, (1, 2)), zorder=0)
        if at_risk is not None:
            _numbers_at_risk(axes, at_risk, list(curves), spec)
        drawing.mark_simulated(axes, simulated)
        return axes


def retention_by_score(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None,
    model: str = "kaplan_meier",
) -> Axes:  # fmt: skip
    """Draw retention at the horizon by score, unadjusted (hollow) and standardised (filled)."""
    rows = known_rows(estimates, estimand="retention", model=model, horizon=spec.horizon)
    after = wording.periods(spec.horizon, spec.unit)
    with drawing.canvas(ax, (6.3, 2.4)) as axes:
        _by_score(axes, rows, spec, 100.0)
        axes.set_ylim(0, 100)
        _score_axis(axes, spec, say("figures.retained_after", after=after))
        drawing.mark_simulated(axes, simulated)
        return axes


def tenure_by_score(
    estimates: pd.DataFrame, spec: CohortSpec, *, horizon: int | None, simulated: bool = False,
    ax: Axes | None = None, model: str = "kaplan_meier",
) -> Axes:  # fmt: skip
    """Draw restricted mean tenure to a horizon by score, unadjusted (hollow) and standardised (filled)."""
    rows = known_rows(estimates, estimand="tenure", model=model, horizon=horizon, given=0)
    until = wording.periods(horizon or 0, spec.unit)
    with drawing.canvas(ax, (6.3, 2.4)) as axes:
        _by_score(axes, rows, spec, 1.0)
        axes.set_ylim(bottom=0)
        units = wording.units(spec.unit)
        _score_axis(axes, spec, say("figures.tenure_by_score", horizon=until, units=units))
        drawing.mark_simulated(axes, simulated)
        return axes


def spend_by_score(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None,
    model: str = "means",
) -> Axes:  # fmt: skip
    """Draw mean spend by score, unadjusted (hollow) and standardised (filled), with intervals."""
    rows = known_rows(estimates, estimand="spend", model=model)
    with drawing.canvas(ax, (6.3, 2.4)) as axes:
        _by_score(axes, rows, spec, 1.0)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        drawing.plain_numbers(axes.yaxis)
        _score_axis(axes, spec, spend_label(spec))
        drawing.mark_simulated(axes, simulated)
        return axes


def spend_label(spec: CohortSpec) -> str:
    """Name the axis of mean spend."""
    if spec.spend is None:
        return ""
    window = wording.periods(spec.spend.window_months, "month")
    return say("figures.mean_spend", window=window, currency=spec.spend.currency)


def value_by_score(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw value (revenue where no margin is known) by score, unadjusted (hollow) and standardised (filled)."""
    rows = known_rows(estimates, estimand="value", given=0) or known_rows(
        estimates, estimand="revenue", given=0
    )
    what = "value" if any(row.estimand == "value" for row in rows) else "revenue"
    span = wording.periods(rows[0].horizon or 0, spec.unit) if rows else ""
    with drawing.canvas(ax, (6.3, 2.4)) as axes:
        _by_score(axes, rows, spec, 1.0)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        drawing.plain_numbers(axes.yaxis)
        currency = spec.spend.currency if spec.spend else ""
        _score_axis(axes, spec, say(f"figures.lifetime_{what}", horizon=span, currency=currency))
        drawing.mark_simulated(axes, simulated)
        return axes


def time_ticks(last: int, unit: str) -> list[int]:
    """Give round places for the ticks of a time axis, eight or fewer after 0."""
    steps = _STEPS[unit]
    step = next((step for step in steps if last / step <= 8), max(steps[-1], -(-last // 8)))
    return list(range(0, last + 1, step))


def draw_curve(
    ax: Axes, curve: Sequence[Estimate], color: Color, *, from_one: bool, band: float = drawing.BAND
) -> None:
    """Draw a curve and its interval band in per cent, from everybody at time 0 or from its own first row.

    Without a band (0) the line is thin.
    """
    points = [
        (row.horizon or 0, 100 * row.estimate, 100 * row.conf_low, 100 * row.conf_high) for row in curve
    ]
    time, middle, low, high = np.array(([(0, 100.0, 100.0, 100.0)] if from_one else []) + points).T
    if band:
        ax.fill_between(time, low, high, color=color, alpha=band, lw=0)
    width, mark = (1.3, "o" if len(time) <= 40 else "") if band else (0.8, "")
    ax.plot(time, middle, color=color, lw=width, marker=mark, ms=2, clip_on=False)


def until_zero(curve: Sequence[Estimate]) -> list[Estimate]:
    """Drop of a curve what follows once nobody is left."""
    ended = next((i for i, row in enumerate(curve) if row.estimate < _NOBODY), len(curve))
    return list(curve[: ended + 1])


def _end_labels(ax: Axes, curves: Mapping[str, Sequence[Estimate]], spec: CohortSpec) -> None:
    """Write each curve's name at its end, apart from the others; and its kind where they differ."""
    heights = drawing.apart([100 * curve[-1].estimate for curve in curves.values()], least=6, floor=3)
    mixed = len({curve[-1].adjusted for curve in curves.values()}) > 1
    for (group, curve), height in zip(curves.items(), heights, strict=True):
        name = wording.score(group, spec)
        if mixed and curve[-1].adjusted == "no":
            name = say("figures.curve_unadjusted", group=name)
        ax.annotate(
            name, (curve[-1].horizon or 0, height), (6, 0), va="center",
            textcoords="offset points", color=drawing.group_color(group), annotation_clip=False,
        )  # fmt: skip


def _numbers_at_risk(ax: Axes, at_risk: pd.DataFrame, groups: Sequence[str], spec: CohortSpec) -> None:
    """Write the customers at risk in the period that ends at each tick (at 0: in the first)."""
    keys = zip(at_risk["group"], at_risk["period"].astype(int), strict=True)
    numbers = [None if pd.isna(n) else int(n) for n in at_risk["at_risk"]]
    known = dict(zip(keys, numbers, strict=True))
    lines = {
        wording.score(group, spec): [known.get((group, max(int(tick), 1)), 0) for tick in ax.get_xticks()]
        for group in groups
    }
    drawing.numbers_below(ax, say("figures.at_risk"), lines, smallest=spec.publish.smallest_cell)


def _score_axis(ax: Axes, spec: CohortSpec, y: str) -> None:
    names = [str(level).replace("-", "−") for level in spec.scale.levels]
    shown = list(range(0, len(names), -(-len(names) // 21)))
    ax.set_xticks(shown, [names[i] for i in shown])
    ax.set_xlim(-0.6, len(names) - 0.4)
    drawing.label_axes(ax, say("figures.score", low=names[0], high=names[-1]), y)


def _by_score(ax: Axes, rows: Sequence[Estimate], spec: CohortSpec, scale: float) -> None:
    """Draw a dot and an interval for each level, both estimates side by side where there are two."""
    place = {str(level): i for i, level in enumerate(spec.scale.levels)}
    main = [row for row in rows if row.group in place and not (row.stratum or row.cause or row.scenario)]
    colors, both = drawing.score_colors(len(place)), len({row.adjusted for row in main}) > 1
    for row in main:
        shift = {"no": -0.13, "standardised": 0.13}.get(row.adjusted, 0.0) if both else 0.0
        x, color = place[row.group] + shift, colors[place[row.group]]
        ax.vlines(x, scale * row.conf_low, scale * row.conf_high, color=color, lw=1.1, clip_on=False)
        face = "white" if both and row.adjusted == "no" else color
        ax.plot([x], [scale * row.estimate], "o", ms=3.8, color=color, mfc=face, mew=1, clip_on=False)
    if both:
        for kind, mark in (("no", "white"), ("standardised", drawing.GREY)):
            name = say(f"format.adjusted_{kind}")
            ax.plot([], [], "o", ms=3.8, color=drawing.GREY, mfc=mark, mew=1, label=name)
        drawing.legend_above(ax, 2)
