"""The figures of the Bayesian section: prior and posterior."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, known_rows, one_kind
from cxlink.report.figures import drawing
from cxlink.report.figures.cohort_figures import spend_label, time_ticks, until_zero
from cxlink.report.figures.drawing import Color
from cxlink.report.figures.extrapolation_figure import DASHED
from cxlink.report.figures.tenure_ladder import BANDS, BAYESIAN
from cxlink.report.words import say

PRIOR = "prior"
_PALE = "#d9d9d9"
_AHEAD = 2  # follow-ups shown at least


def prior_retention(
    estimates: pd.DataFrame, curves: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw retention before any count, pale, and over it the posterior's curves of both bands and the observed ones.

    Posterior: lines with their interval, dashed beyond the last period in which the band has customers at risk.
    Observed: dots with their interval.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table: the observed curves.
    curves : DataFrame
        ``model, adjusted, scenario, group, time, estimate, conf_low, conf_high``; scenario ``prior`` before any count.
    spec : CohortSpec
        Its unit, ladder and bands.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    posterior = {group: posterior_curve(curves, group) for group in groups_drawn(curves)}
    prior = prior_curve(curves)
    seen = {group: observed(estimates, group) for group in posterior}
    ends = {group: rows[-1].horizon or 0 if rows else 0 for group, rows in seen.items()}
    times = [curve["time"].max() for curve in (*posterior.values(), prior) if len(curve)]
    last = time_shown(max(ends.values(), default=0), float(max(times, default=1)), spec)
    with drawing.canvas(ax, (6.3, 2.6)) as axes:
        _band(axes, prior, _PALE, say("posterior.prior"))
        for group, curve in posterior.items():
            _posterior(axes, curve, ends[group], drawing.group_color(group), wording.score(group, spec))
            _dots(axes, seen[group], drawing.group_color(group))
        axes.set_xlim(0, last)
        axes.set_xticks(time_ticks(last, spec.unit))
        axes.set_ylim(0, 100)
        time = say("figures.time_since_score", units=wording.units(spec.unit))
        drawing.label_axes(axes, time, say("figures.retained"))
        drawing.legend_above(axes, 3)
        drawing.mark_simulated(axes, simulated)
        return axes


def groups_drawn(curves: pd.DataFrame) -> list[str]:
    """Give the bands that have a posterior curve; everybody where neither has one."""
    bands = [group for group in BANDS if len(posterior_curve(curves, group))]
    return bands or ["all"][: len(posterior_curve(curves, "all"))]


def posterior_curve(curves: pd.DataFrame, group: str) -> pd.DataFrame:
    """Give the posterior curve of a group, by time: standardised where there is one, else unadjusted."""
    if not len(curves):
        return curves
    mine = curves[(curves["model"] == BAYESIAN[0]) & (curves["scenario"] == "") & (curves["group"] == group)]
    kind = "standardised" if (mine["adjusted"] == "standardised").any() else "no"
    return mine[(mine["adjusted"] == kind) & mine["estimate"].notna()].sort_values("time")


def prior_curve(curves: pd.DataFrame) -> pd.DataFrame:
    """Give retention by time before any count; empty where it was not drawn."""
    if not len(curves):
        return curves
    mine = curves[(curves["model"] == BAYESIAN[0]) & (curves["scenario"] == PRIOR)]
    return mine[mine["group"] == mine["group"].iloc[0]].sort_values("time") if len(mine) else mine


def observed(estimates: pd.DataFrame, group: str) -> list[Estimate]:
    """Give the observed curve of a group."""
    rows = known_rows(
        estimates, estimand="retention", model="kaplan_meier", group=group, stratum="", cause="", scenario=""
    )
    return until_zero(one_kind(rows))


def time_shown(seen: int, reach: float, spec: CohortSpec) -> int:
    """Give the end of the axis: the first step of the ladder at twice what was seen, or else what there is."""
    ladder = [h for h in sorted({spec.horizon, *spec.tenure_horizons}) if h >= _AHEAD * seen]
    return max(min(ladder[0] if ladder else round(reach), round(reach)), 1)


def _band(ax: Axes, curve: pd.DataFrame, color: Color, name: str) -> None:
    if not len(curve):
        return
    time, middle, low, high = _columns(curve)
    ax.fill_between(time, low, high, color=color, alpha=0.55, lw=0, label=name)
    ax.plot(time, middle, color=drawing.GREY, lw=0.7, ls=(0, (1, 2)))


def _columns(curve: pd.DataFrame) -> np.ndarray:
    """Time, and the curve with its interval in per cent: (4, n_times)."""
    numbers = curve[["time", "estimate", "conf_low", "conf_high"]].to_numpy(dtype=float).T
    found: np.ndarray = numbers * np.array([1, 100, 100, 100])[:, None]
    return found


def _posterior(ax: Axes, curve: pd.DataFrame, end: int, color: Color, name: str) -> None:
    time, middle, low, high = _columns(curve)
    last = max(int(np.searchsorted(time, end, side="right")) - 1, 0)
    ax.fill_between(time, low, high, color=color, alpha=drawing.BAND, lw=0)
    ax.plot(time[: last + 1], middle[: last + 1], color=color, lw=1.3, label=name)
    ax.plot(time[last:], middle[last:], color=color, lw=1.3, ls=DASHED)


def _dots(ax: Axes, rows: Sequence[Estimate], color: Color) -> None:
    for row in rows:
        ax.vlines(row.horizon or 0, 100 * row.conf_low, 100 * row.conf_high, color=color, lw=0.5, alpha=0.7)
    ax.plot(
        [row.horizon or 0 for row in rows], [100 * row.estimate for row in rows], "o", ms=1.8, color=color
    )


def prior_spend(
    rows: Sequence[Estimate], prior: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw posterior means of spend by score over the prior, on a logarithmic axis.

    Parameters
    ----------
    rows : sequence of Estimate
        Posterior means, one a level.
    prior : DataFrame
        ``group, estimate, conf_low, conf_high``: of a level, or of ``all``.
    spec : CohortSpec
        Its scale, window and currency.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    place = {str(level): i for i, level in enumerate(spec.scale.levels)}
    mine = [row for row in rows if row.group in place]
    colors = drawing.score_colors(len(place))
    with drawing.canvas(ax, (6.3, 2.6)) as axes:
        for i, (low, middle, high) in enumerate(_priors(prior, [*place])):
            axes.fill_between([i - 0.5, i + 0.5], low, high, color=_PALE, alpha=0.55, lw=0,
                              label=None if i else say("posterior.prior"))  # fmt: skip
            axes.hlines(middle, i - 0.5, i + 0.5, color=drawing.GREY, lw=0.7, ls=(0, (1, 2)))
        for row in mine:
            x, color = place[row.group], colors[place[row.group]]
            axes.vlines(x, row.conf_low, row.conf_high, color=color, lw=1.3)
            axes.plot([x], [row.estimate], "o", ms=3.4, color=color)
        lows = [row.conf_low for row in mine] + (list(prior["conf_low"]) if len(prior) else [])
        if lows and min(lows) > 0:
            axes.set_yscale("log")
        names = [wording.signed(level) for level in spec.scale.levels]
        shown = list(range(0, len(names), -(-len(names) // 12)))
        axes.set_xticks(shown, [names[i] for i in shown])
        axes.set_xlim(-0.5, len(names) - 0.5)
        drawing.plain_numbers(axes.yaxis)
        drawing.label_axes(axes, say("first_page.overview_axis"), spend_label(spec))
        axes.plot([], [], "o-", ms=3.4, lw=1.3, color=drawing.GREY, label=say("posterior.posterior"))
        drawing.legend_above(axes, 2)
        drawing.mark_simulated(axes, simulated)
        return axes


def _priors(prior: pd.DataFrame, groups: Sequence[str]) -> list[tuple[float, float, float]]:
    """Lower end, middle and upper end before any count, of each level: its own, or that of all."""
    if not len(prior):
        return []
    by_group = {str(row["group"]): row for row in prior.to_dict("records")}
    common = by_group.get("all", next(iter(by_group.values())))
    found = [by_group.get(group, common) for group in groups]
    return [(float(row["conf_low"]), float(row["estimate"]), float(row["conf_high"])) for row in found]
