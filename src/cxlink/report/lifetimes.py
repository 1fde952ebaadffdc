"""The figure of tenure: the ladder of restricted means, by model."""

import math
from collections.abc import Container, Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec import CohortSpec
from cxlink.report import drawing, wording
from cxlink.report.book import Estimate, known_rows, preferred

BANDS = ("best", "worst")
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
    rows = [row for row in rows if row.horizon is not None and (row.model != "grouped_ph" or row.headline)]
    lines = _lines(rows)
    with drawing.canvas(ax, (6.3, 0.9 + 0.15 * len(lines))) as axes:
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
    ax.set_yticks(list(lines.values()), [wording.words(model) for _, model in lines], fontsize=6.3)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(max(lines.values(), default=0) + 0.6, -1.9)
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
    ax.text(1.02, -1.6, title, transform=right, fontsize=small, va="center")
    for (horizon, model), height in lines.items():
        both = [wording.percent(shares.get((horizon, model, group), math.nan)) for group in bands]
        ax.text(1.02, height, " / ".join(both), transform=right, fontsize=small, va="center")


def _name_bands(ax: Axes, spec: CohortSpec, groups: Container[str]) -> None:
    for group in (band for band in BANDS if band in groups):
        ax.plot([], [], "-", lw=2, color=drawing.group_color(group), label=wording.score(group, spec))
    drawing.legend_above(ax, 4)
