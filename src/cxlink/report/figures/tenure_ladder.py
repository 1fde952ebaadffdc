"""The figure of tenure: the ladder of restricted means, with the range of the families."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.second_opinions import REPORTED
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import Estimate, known_rows, preferred
from cxlink.report.figures import drawing
from cxlink.report.words import say
from cxlink.survival.families.catalogue import families_by_name

BANDS = ("best", "worst")
AVERAGES = ("averaged", "averaged_aic", "averaged_backtest", "averaged_equal")
OBSERVED = ("kaplan_meier", "grouped_ph")
BAYESIAN = ("bayes", "bayes_sbg")
_DASHED = (0, (3, 1.5))
_SPREAD = 0.22


def is_family(model: str) -> bool:
    """Whether a row of tenure is a single family's: neither observed, nor an average, nor a posterior's."""
    return model in families_by_name()


def is_average(model: str) -> bool:
    """Whether a row of tenure is an average's over families."""
    return model in AVERAGES


def ordered_models(models: Iterable[str]) -> list[str]:
    """Give models in the order of reading: Kaplan–Meier, then the families, then their averages."""
    return sorted(set(models), key=lambda name: (name != "kaplan_meier", is_average(name), name))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder for one group: what was observed, or extrapolated, and the range of the families.

    Attributes
    ----------
    group : str
        ``best``, ``worst`` or a level.
    horizon : int
        In periods.
    middle : Estimate
        The spliced estimate; the observed figure where that reaches the horizon, or where there is no such estimate.
    low, high : float
        Lowest and highest of the families; of the middle where no family was fitted.
    """

    group: str
    horizon: int
    middle: Estimate
    low: float
    high: float


def steps(rows: Sequence[Estimate]) -> list[Step]:
    """Gather the ladder from rows of ``tenure``: by horizon, then in the order of the groups.

    Horizons before the last that was observed are left out where nothing was observed to just them. A horizon counts
    as observed where every group was observed to it, so that no observed mean stands against an average: the curve of
    a group of which nobody is left goes on for ever.
    """
    kept = [row for row in preferred(rows) if row.horizon is not None and not row.blank]
    seen = {
        (r.group, r.horizon): r
        for r in kept
        if r.model in OBSERVED and (r.model == "kaplan_meier" or r.headline)
    }
    groups = {group for group, _ in seen}
    shared = {h for _, h in seen if all((group, h) in seen for group in groups)}
    reach = max((horizon for horizon in shared if horizon), default=0)
    found = []
    for group in dict.fromkeys(row.group for row in rows):
        mine = [row for row in kept if row.group == group]
        for horizon in sorted({row.horizon or 0 for row in mine}):
            here = [row for row in mine if row.horizon == horizon]
            average = next((row for row in here if row.model == REPORTED), None)
            observed = seen.get((group, horizon))
            middle = observed if horizon in shared or not average else average if horizon > reach else None
            if middle is not None:
                own = [r.estimate for r in here if is_family(r.model) and r.adjusted == middle.adjusted]
                own = own or [middle.estimate]
                found.append(Step(group, horizon, middle, min(own), max(own)))
    return sorted(found, key=lambda step: step.horizon)


def tenure_ladder(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw mean tenure to each horizon for both bands: observed, then extrapolated, with intervals.

    The broad pale bar behind a dot is the range of the single families, where any were fitted. Hollow dots and
    dashed intervals are partly extrapolated; the share is printed at the right.

    Parameters
    ----------
    estimates : DataFrame
        The estimates table.
    spec : CohortSpec
        Its unit, ladder and bands.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    rows = known_rows(estimates, estimand="tenure", group=BANDS, stratum="", cause="", scenario="", given=0)
    ladder = steps(rows)
    bands = [band for band in BANDS if any(step.group == band for step in ladder)]
    horizons = sorted({step.horizon for step in ladder})
    with drawing.canvas(ax, (6.3, 0.75 + 0.36 * len(horizons))) as axes:
        for step in ladder:
            shift = _SPREAD * (2 * bands.index(step.group) - len(bands) + 1)
            _rung(axes, step, horizons.index(step.horizon) + shift)
        _name_steps(axes, horizons, spec)
        axes.set_xlim(left=0)
        drawing.plain_numbers(axes.xaxis)
        drawing.label_axes(
            axes, say("figures.tenure", units=wording.units(spec.unit)), say("figures.horizon")
        )
        _explain(axes, spec, bands, families=any(is_family(row.model) for row in rows))
        drawing.mark_simulated(axes, simulated)
        return axes


def _rung(ax: Axes, step: Step, height: float) -> None:
    """Draw a dot, its interval and the range behind it; at the right, the share extrapolated."""
    row, color = step.middle, drawing.group_color(step.group)
    beyond = row.extrapolated > 0
    ax.hlines(height, step.low, step.high, color=color, lw=6, alpha=0.2)
    ax.hlines(height, row.conf_low, row.conf_high, color=color, lw=1.2, ls=_DASHED if beyond else "-")
    ax.plot([row.estimate], [height], "o", ms=4, color=color, mfc="white" if beyond else color, mew=1.1)
    ax.text(
        1.02, height, wording.percent(row.extrapolated), transform=ax.get_yaxis_transform(), fontsize=6.5,
        va="center", color=color,
    )  # fmt: skip


def _name_steps(ax: Axes, horizons: Sequence[int], spec: CohortSpec) -> None:
    """Name each step by its horizon."""
    ax.set_yticks(
        range(len(horizons)),
        [say("figures.to_horizon", horizon=wording.periods(h, spec.unit)) for h in horizons],
    )
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(horizons) - 0.4, -0.6)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.text(
        1.02,
        -0.75,
        say("figures.extrapolated"),
        transform=ax.get_yaxis_transform(),
        fontsize=6.5,
        va="bottom",
    )


def _explain(ax: Axes, spec: CohortSpec, bands: Sequence[str], *, families: bool) -> None:
    """Name the bands, and the pale bars where there are any."""
    for group in bands:
        ax.plot([], [], "-", lw=2, color=drawing.group_color(group), label=wording.score(group, spec))
    if families:
        name = say("figures.family_range")
        ax.plot([], [], "-", lw=6, alpha=0.25, color=drawing.GREY, solid_capstyle="butt", label=name)
    drawing.legend_above(ax, 4)
