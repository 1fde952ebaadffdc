"""The figure of survival beyond follow-up: what was observed, and how each family continues it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.second_opinions import REPORTED
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, known_rows, one_kind
from cxlink.report.figures import drawing
from cxlink.report.figures.cohort_figures import time_ticks, until_zero
from cxlink.report.figures.drawing import Color
from cxlink.report.figures.tenure_ladder import BANDS, is_family, ordered_models
from cxlink.report.words import say

DASHED = (0, (4, 2))
_MOST_NAMED = 5
_APART = 7.4  # per cent of the axis between two labels


@dataclass(frozen=True, slots=True)
class ExtrapolatedLine:
    """One band: its observed curve, its fitted ones, and where the first ends.

    Attributes
    ----------
    group : str
        ``best`` or ``worst``.
    observed : list of Estimate
        Kaplan–Meier rows by period.
    time : ndarray of shape (n_times,)
        Grid of the fitted curves, in periods.
    fitted : dict of str to ndarray of shape (n_times,)
        Survival in per cent, by model.
    end : int
        The last period in which the band has customers at risk, or by which nobody is left.
    """

    group: str
    observed: list[Estimate]
    time: np.ndarray
    fitted: dict[str, np.ndarray]
    end: int

    @property
    def families(self) -> np.ndarray:
        """Fitted survival of the single families, shape (n_families, n_times)."""
        own = [curve for model, curve in self.fitted.items() if is_family(model)]
        return np.array(own).reshape(len(own), len(self.time))


def family_survival(
    estimates: pd.DataFrame, projected: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw the observed curves of both bands, and how each family continues them to the last horizon.

    Observed: solid, with its interval. Families: thin, their average thicker, their spread shaded; all of them
    dashed beyond the last period in which the band has customers at risk.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table, for the observed curves.
    projected : DataFrame
        ``model, adjusted, group, time, estimate, conf_low, conf_high``: fitted survival on a grid of times.
    spec : CohortSpec
        Its unit, horizon and bands.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    bands = [band for group in BANDS if (band := continued(estimates, projected, group)) is not None]
    last = round(max((band.time[-1] for band in bands), default=spec.horizon))
    several = any(len(band.families) for band in bands)
    with drawing.canvas(ax, (6.3, 2.3 if several else 1.8)) as axes:  # names of six ends need the room
        for band in bands:
            _observed(axes, band, drawing.group_color(band.group))
            _fitted(axes, band, drawing.group_color(band.group))
        axes.set_xlim(0, last)
        axes.set_xticks(time_ticks(last, spec.unit))
        axes.set_ylim(0, 100)
        _name_ends(axes, bands, spec)
        time = say("figures.time_since_score", units=wording.units(spec.unit))
        drawing.label_axes(axes, time, say("figures.retained"))
        models = [(0.6, "-", say("figures.family")), (1.5, "-", say("figures.average"))] if several else []
        for width, style, name in (
            (1.7, "-", say("figures.observed")), *models, (1.3, DASHED, say("figures.beyond")),
        ):  # fmt: skip
            axes.plot([], [], color=drawing.GREY, lw=width, ls=style, label=name)
        drawing.legend_above(axes, 2)
        drawing.mark_simulated(axes, simulated)
        return axes


def continued(estimates: pd.DataFrame, projected: pd.DataFrame, group: str) -> ExtrapolatedLine | None:
    """Gather the curves of a band: standardised where there are any, else unadjusted; None where nothing was fitted."""
    kinds = set(projected.loc[projected["group"] == group, "adjusted"])
    kind = "standardised" if "standardised" in kinds else "no"
    wide = fitted_curves(projected, group, kind)
    if not len(wide):
        return None
    # models have grids of their own: between its times a curve is drawn as a straight line
    joined = wide.interpolate(method="index", limit_area="inside")
    fitted = {model: 100 * joined[model].to_numpy(dtype=float) for model in joined.columns}
    seen = known_rows(
        estimates, estimand="retention", model="kaplan_meier", group=group, stratum="", cause="", scenario=""
    )
    curves = [until_zero([row for row in seen if row.adjusted == name]) for name in ("no", "standardised")]
    end = max((row.horizon or 0 for curve in curves for row in curve), default=0)
    return ExtrapolatedLine(group, until_zero(one_kind(seen)), wide.index.to_numpy(dtype=float), fitted, end)


def fitted_curves(projected: pd.DataFrame, group: str, adjusted: str) -> pd.DataFrame:
    """Survival of the families and of the average, a column each, by time; the score's effect lasting for ever."""
    mine = projected[
        (projected["group"] == group) & (projected["adjusted"] == adjusted) & (projected["scenario"] == "")
        & projected["estimate"].notna()
    ]  # fmt: skip
    shown = [name for name in ordered_models(mine["model"]) if is_family(name) or name == REPORTED]
    return mine.pivot_table(index="time", columns="model", values="estimate").reindex(columns=shown)


def _observed(ax: Axes, band: ExtrapolatedLine, color: Color) -> None:
    points = [
        (row.horizon or 0, 100 * row.estimate, 100 * row.conf_low, 100 * row.conf_high)
        for row in band.observed
    ]
    time, middle, low, high = np.array([(0, 100.0, 100.0, 100.0), *points]).T
    ax.fill_between(time, low, high, color=color, alpha=0.3, lw=0)
    ax.plot(time, middle, color=color, lw=1.7)


def _fitted(ax: Axes, band: ExtrapolatedLine, color: Color) -> None:
    """Draw every fitted curve in two pieces, and between the families a shade."""
    if len(band.families):
        ax.fill_between(
            band.time, band.families.min(axis=0), band.families.max(axis=0), color=color, alpha=0.1, lw=0
        )
    last = max(int(np.searchsorted(band.time, band.end, side="right")) - 1, 0)
    inside, beyond = slice(0, last + 1), slice(last, None)
    for model, curve in band.fitted.items():
        width, alpha = (1.5, 1.0) if model == REPORTED else (0.5, 0.55)
        ax.plot(band.time[inside], curve[inside], color=color, lw=width, alpha=alpha)
        ax.plot(band.time[beyond], curve[beyond], color=color, lw=width, alpha=alpha, ls=DASHED)


def _name_ends(ax: Axes, bands: list[ExtrapolatedLine], spec: CohortSpec) -> None:
    """Write each curve's name beside its end, apart from the others, with a hair line where it had to move."""
    ends = [(band.group, model, float(band.fitted[model][-1])) for band in bands for model in _named(band)]
    if not ends:
        return
    right = float(ax.get_xlim()[1])
    several = any(len(band.families) for band in bands)
    heights = drawing.apart([height for _, _, height in ends], least=_APART, floor=1)
    for (group, model, end), height in zip(ends, heights, strict=True):
        name = wording.words(model)
        if model == REPORTED:
            of_group = wording.score(group, spec)
            name = say("figures.average_of_group", group=of_group, average=name) if several else of_group
        color = drawing.group_color(group)
        ax.plot(
            [1, 1.025], [end / 100, height / 100], transform=ax.transAxes, color=color, lw=0.4, clip_on=False
        )
        ax.annotate(
            name, (1.03, height / 100), xycoords="axes fraction", va="center", fontsize=6.3, color=color,
            weight="bold" if model == REPORTED else "normal", annotation_clip=False,
        )  # fmt: skip
    ax.set_xlim(0, right)


def _named(band: ExtrapolatedLine) -> Iterator[str]:
    """Models whose ends are named: all of a few, of many the average and the two at the edges."""
    ends = {model: curve[-1] for model, curve in band.fitted.items()}
    edges = {REPORTED, min(ends, key=lambda m: ends[m]), max(ends, key=lambda m: ends[m])}
    return (model for model in ends if len(ends) <= _MOST_NAMED or model in edges)
