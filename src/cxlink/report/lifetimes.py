"""Figures of tenure: the ladder of restricted means, and survival beyond follow-up under each family."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec import CohortSpec
from cxlink.report import drawing, wording
from cxlink.report.book import Estimate, known_rows, one_kind, preferred
from cxlink.report.drawing import Color

BANDS = ("best", "worst")
_MARKERS = ("s", "^", "v", "D", "P", "X", "<", ">", "p", "h", "*", "8")
_DASHED = (0, (3, 1.5))


def ordered_models(models: Iterable[str]) -> list[str]:
    """Give models in the order of reading: Kaplan–Meier, then the families, then their averages."""
    return sorted(set(models), key=lambda name: (name != "kaplan_meier", name.startswith("averaged"), name))


def tenure_ladder(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw restricted mean tenure at each horizon, by model, for both bands, with intervals.

    Hollow dots and dashed intervals are partly extrapolated; the share is printed at the right.

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
    rows = preferred(known_rows(estimates, estimand="tenure", group=BANDS, stratum="", scenario="", given=0))
    rows = [row for row in rows if row.horizon is not None]
    lines = _lines(rows)
    with drawing.canvas(ax, (6.3, 0.9 + 0.21 * len(lines))) as axes:
        for row in rows:
            side = -0.17 if row.group == "best" else 0.17
            _dot(axes, row, lines[row.horizon or 0, row.model] + side)
        _name_lines(axes, lines, spec)
        _shares(axes, rows, lines)
        axes.set_xlim(left=0)
        drawing.plain_numbers(axes.xaxis)
        drawing.label_axes(
            axes, f"Mean tenure to the horizon ({wording.units(spec.unit)})", "Horizon and model"
        )
        _name_bands(axes, spec, {row.group for row in rows})
        drawing.mark_simulated(axes, simulated)
        return axes


def family_survival(
    estimates: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the observed curves of both bands, and what each family makes of the horizons of the ladder.

    The extrapolated part is dashed (the average of the families); its dots stand side by side.
    """
    rows = known_rows(estimates, estimand="retention", group=BANDS, stratum="", cause="", scenario="")
    observed = [row for row in rows if row.model == "kaplan_meier"]
    seen = [row for group in BANDS for row in one_kind([row for row in observed if row.group == group])]
    modelled = [row for row in preferred(rows) if row.model != "kaplan_meier"]
    families = ordered_models(row.model for row in modelled)
    last = max((row.horizon or 0 for row in seen + modelled), default=spec.horizon)
    marks = {
        name: "o" if name == "averaged" else mark for name, mark in zip(families, _MARKERS * 2, strict=False)
    }
    with drawing.canvas(ax, (6.3, 3.1)) as axes:
        for group in BANDS:
            _observed(axes, [row for row in seen if row.group == group], drawing.group_color(group))
            _dashed(axes, *([r for r in kind if r.group == group] for kind in (seen, modelled)), group=group)
        for row in modelled:
            beside = 0.009 * (families.index(row.model) - (len(families) - 1) / 2)
            beside += 0.003 if row.group == "best" else -0.003
            _point(axes, row, marks[row.model], last * beside)
        axes.set_xlim(0, 1.05 * last)
        axes.set_xticks(sorted({0, spec.horizon, *(row.horizon or 0 for row in modelled)}))
        axes.set_ylim(0, 100)
        drawing.label_axes(axes, f"Time since the score ({wording.units(spec.unit)})", "Still customers (%)")
        for name, mark in marks.items():
            axes.plot([], [], marker=mark, ls="", ms=3.5, color=drawing.GREY, label=wording.words(name))
        _name_bands(axes, spec, {row.group for row in seen + modelled})
        drawing.mark_simulated(axes, simulated)
        return axes


def _lines(rows: Sequence[Estimate]) -> dict[tuple[int, str], float]:
    """Give each horizon and model its height, with room above each horizon for its name."""
    heights: dict[tuple[int, str], float] = {}
    height = 0.0
    for horizon in sorted({row.horizon or 0 for row in rows}):
        for model in ordered_models(row.model for row in rows if row.horizon == horizon):
            heights[horizon, model] = height
            height += 1
        height += 0.7
    return heights


def _dot(ax: Axes, row: Estimate, height: float) -> None:
    """Draw a dot and its interval, hollow and dashed where part of it is extrapolated."""
    color, beyond = drawing.group_color(row.group), row.extrapolated > 0
    ax.hlines(height, row.conf_low, row.conf_high, color=color, lw=1.1, ls=_DASHED if beyond else "-")
    ax.plot([row.estimate], [height], "o", ms=3.8, color=color, mfc="white" if beyond else color, mew=1)


def _name_lines(ax: Axes, lines: Mapping[tuple[int, str], float], spec: CohortSpec) -> None:
    """Name each line by its model and each block by its horizon."""
    ax.set_yticks(list(lines.values()), [wording.words(model) for _, model in lines])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(lines.values(), default=0) + 0.6, -1.4)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    tops: dict[int, float] = {}
    for (horizon, _), height in lines.items():
        tops.setdefault(horizon, height)
    for horizon, top in tops.items():
        ax.annotate(
            f"to {wording.periods(horizon, spec.unit)}", (0, top), (-4, 9), textcoords="offset points",
            xycoords=ax.get_yaxis_transform(), annotation_clip=False,
            ha="right", va="center", fontsize=7, weight="bold",
        )  # fmt: skip


def _shares(ax: Axes, rows: Sequence[Estimate], lines: Mapping[tuple[int, str], float]) -> None:
    """Print the share of each mean that is extrapolated."""
    shares = {(row.horizon, row.model, row.group): row.extrapolated for row in rows}
    right, small = ax.get_yaxis_transform(), 6.5
    bands = [band for band in BANDS if any(row.group == band for row in rows)]
    title = f"extrapolated\n{' / '.join(bands)}"
    ax.text(1.02, -1.0, title, transform=right, fontsize=small, va="center")
    for (horizon, model), height in lines.items():
        both = [wording.percent(shares.get((horizon, model, group), math.nan)) for group in bands]
        ax.text(1.02, height, " / ".join(both), transform=right, fontsize=small, va="center")


def _name_bands(ax: Axes, spec: CohortSpec, groups: Container[str]) -> None:
    for group in (band for band in BANDS if band in groups):
        ax.plot([], [], "-", lw=2, color=drawing.group_color(group), label=wording.score(group, spec))
    drawing.legend_above(ax, 4)


def _observed(ax: Axes, curve: Sequence[Estimate], color: Color) -> None:
    points = [
        (row.horizon or 0, 100 * row.estimate, 100 * row.conf_low, 100 * row.conf_high) for row in curve
    ]
    time, middle, low, high = np.array([(0, 100.0, 100.0, 100.0), *points]).T
    ax.fill_between(time, low, high, color=color, alpha=drawing.BAND, lw=0)
    ax.plot(time, middle, color=color, lw=1.4)


def _point(ax: Axes, row: Estimate, mark: str, beside: float) -> None:
    x, color = (row.horizon or 0) + beside, drawing.group_color(row.group)
    ax.vlines(x, 100 * row.conf_low, 100 * row.conf_high, color=color, lw=0.8, clip_on=False)
    face = "white" if row.extrapolated > 0 else color
    ax.plot(
        [x], [100 * row.estimate], marker=mark, ms=3.4, ls="", color=color, mfc=face, mew=0.8, clip_on=False
    )


def _dashed(ax: Axes, seen: Sequence[Estimate], modelled: Sequence[Estimate], *, group: str) -> None:
    """Join the end of the observed curve with the averaged values beyond it."""
    end = max((row.horizon or 0 for row in seen), default=0)
    averaged = [row for row in modelled if row.model == "averaged" and (row.horizon or 0) > end]
    line = [*(row for row in seen if row.horizon == end), *averaged]
    if averaged:
        time, height = [row.horizon or 0 for row in line], [100 * row.estimate for row in line]
        ax.plot(time, height, color=drawing.group_color(group), lw=1.1, ls=(0, (4, 2)))
