"""The figure of hazards: losses per period as observed, smoothed, and as each family has them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.second_opinions import REPORTED
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import known_rows
from cxlink.report.figures import drawing
from cxlink.report.figures.cohort_figures import time_ticks, until_zero
from cxlink.report.figures.extrapolation_figure import DASHED, fitted_curves
from cxlink.report.figures.tenure_ladder import is_family
from cxlink.report.words import say

_AHEAD = 2.0  # follow-ups shown
_ROOM = 1.25
_NORMAL = 1.959963984540054


@dataclass(frozen=True, slots=True)
class ObservedHazard:
    """Losses per period and customer at risk, of all customers with a score.

    Attributes
    ----------
    period : int ndarray of shape (n_periods,)
        The period that each number is of.
    raw : ndarray of shape (n_periods,)
        Losses over customers at risk.
    smooth, low, high : ndarray of shape (n_periods,)
        The same over a window of periods about each, with Wilson's 95 % interval; NaN where counts are not known.
    """

    period: np.ndarray
    raw: np.ndarray
    smooth: np.ndarray
    low: np.ndarray
    high: np.ndarray


def family_hazards(
    estimates: pd.DataFrame, projected: pd.DataFrame, at_risk: pd.DataFrame, spec: CohortSpec, *,
    simulated: bool = False, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the share of all customers still there that is lost in each period: observed and by family.

    Unadjusted, so that both are of the same customers. Families: thin, their average thick, dashed beyond the last
    period with ten customers at risk.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table: the observed curve of a cohort whose customers enter late.
    projected : DataFrame
        ``model, adjusted, scenario, group, time, estimate``: fitted survival.
    at_risk : DataFrame
        ``group, period, at_risk, lost``.
    spec : CohortSpec
        Its unit and clock.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    seen = observed_hazard(estimates, at_risk, spec)
    curves = fitted_curves(projected, "all", "no")
    end = int(seen.period.max(initial=1))
    last = min(int(np.ceil(_AHEAD * end)), int(curves.index.max())) if len(curves) else end
    with drawing.canvas(ax, (6.3, 2.4)) as axes:
        top = float(np.nanmax(np.r_[0.002, seen.raw, np.nan_to_num(seen.high)]))
        for model in curves.columns:
            middle, hazard = fitted_hazard(curves[model])
            _line(axes, (middle, 100 * hazard), end, model == REPORTED)
            top = max(top, float(hazard[middle <= last].max(initial=0))) if model == REPORTED else top
        _observed(axes, seen)
        axes.set_xlim(0, max(last, 2))
        axes.set_xticks(time_ticks(max(last, 2), spec.unit))
        axes.set_ylim(0, min(100.0, 100 * _ROOM * top))
        axes.axvline(end, color=drawing.GREY, lw=0.6, ls=(0, (1, 2)), zorder=0)
        drawing.plain_numbers(axes.yaxis)
        drawing.label_axes(
            axes, say("figures.time_since_score", units=wording.units(spec.unit)),
            say("figures.hazard", unit=wording.units(spec.unit, 1)),
        )  # fmt: skip
        if any(map(is_family, curves.columns)):
            axes.plot([], [], color=drawing.GREY, lw=0.6, label=say("figures.family"))
        axes.plot([], [], color=drawing.group_color("best"), lw=1.6, label=say("figures.average"))
        axes.legend(loc="upper right", ncols=2, fontsize=6.5, columnspacing=1.0, handlelength=1.4)
        drawing.mark_simulated(axes, simulated)
        return axes


def observed_hazard(estimates: pd.DataFrame, at_risk: pd.DataFrame, spec: CohortSpec) -> ObservedHazard:
    """Give the observed losses per period, while ten customers are at risk.

    Smoothed over a window of about a sixth of follow-up: losses in it over customers at risk in it. Where customers
    enter late, the clock of the counts is not the time since the score, so the window's mean hazard comes from the
    Kaplan–Meier curve, without an interval; so is that of clustered customers.

    Parameters
    ----------
    estimates, at_risk : DataFrame
        As `family_hazards` takes them.
    spec : CohortSpec
        Its clock.
    """
    if spec.subscription is not None and spec.subscription.clock == "signup":
        return _of_curve(estimates)
    mine = at_risk[
        (at_risk["group"] == "all") & (at_risk["at_risk"].fillna(0) >= FEWEST_AT_RISK)
    ].sort_values("period")
    r, d = (mine[name].to_numpy(dtype=float) for name in ("at_risk", "lost"))
    window = _window(len(r))
    share = np.array([np.nansum(d[k]) / np.nansum(r[k]) for k in window])
    n = np.array([np.nansum(r[k]) for k in window])
    middle = (share + _NORMAL**2 / (2 * n)) / (1 + _NORMAL**2 / n)
    half = _NORMAL * np.sqrt(share * (1 - share) / n + _NORMAL**2 / (4 * n**2)) / (1 + _NORMAL**2 / n)
    half = half if spec.cluster_column is None else np.full(len(n), np.nan)
    return ObservedHazard(mine["period"].to_numpy(dtype=int), d / r, share, middle - half, middle + half)


def _of_curve(estimates: pd.DataFrame) -> ObservedHazard:
    rows = known_rows(
        estimates, estimand="retention", model="kaplan_meier", group="all", stratum="", cause="", scenario="",
        adjusted="no",
    )  # fmt: skip
    curve = [row for row in until_zero(rows) if row.estimate > 0]
    period = np.array([0, *(row.horizon or 0 for row in curve)])
    log_s = np.log([1.0, *(row.estimate for row in curve)])
    # the curve has every period to 120, then every twelfth
    raw = 1 - np.exp(np.diff(log_s) / np.diff(period))
    ends = [(k[0], k[-1] + 1) for k in _window(len(raw))]
    smooth = np.array([1 - np.exp((log_s[b] - log_s[a]) / (period[b] - period[a])) for a, b in ends])
    unknown = np.full(len(raw), np.nan)
    return ObservedHazard(period[1:], raw, smooth, unknown, unknown)


def _window(n: int) -> list[np.ndarray]:
    """Positions about each of n periods: a sixth of them, an odd number, cut at the ends."""
    half = max(n // 12, 1) if n > 2 else 0
    return [np.arange(max(k - half, 0), min(k + half + 1, n)) for k in range(n)]


def fitted_hazard(survival: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Turn a curve into hazards per period.

    Parameters
    ----------
    survival : Series of shape (n_times,)
        S by time, the latter whole periods that rise.

    Returns
    -------
    middle, hazard : ndarray of shape (n_times - 1,)
        The last period of each interval, moved to the middle of it where it is longer than one; and the share of
        those still at risk that is lost in one period, constant within an interval.
    """
    time, s = survival.index.to_numpy(dtype=float), survival.to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = 1 - np.where(s[:-1] > 0, s[1:] / s[:-1], np.nan) ** (1 / np.diff(time))
    return (time[1:] + time[:-1] + 1) / 2, hazard


def _line(ax: Axes, curve: tuple[np.ndarray, np.ndarray], end: int, average: bool) -> None:
    time, hazard = curve
    color, width, front = (drawing.group_color("best"), 1.6, 3) if average else (drawing.GREY, 0.5, 2)
    last = max(int(np.searchsorted(time, end, side="right")) - 1, 0)
    ax.plot(time[: last + 1], hazard[: last + 1], color=color, lw=width, zorder=front)
    ax.plot(time[last:], hazard[last:], color=color, lw=width, ls=DASHED, zorder=front)


def _observed(ax: Axes, seen: ObservedHazard) -> None:
    color = drawing.group_color("worst")
    ax.plot(seen.period, 100 * seen.raw, "o", ms=2, color=color, zorder=4, label=say("figures.observed"))
    ax.plot(seen.period, 100 * seen.smooth, color=color, lw=1.1, zorder=4, label=say("figures.smoothed"))
    ax.fill_between(seen.period, 100 * seen.low, 100 * seen.high, color=color, alpha=drawing.BAND, lw=0)
