"""The figure of the study's third chart: years against heterogeneity, and their range by family."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.figures import drawing
from cxlink.report.format import score, words
from cxlink.report.language import current
from cxlink.report.words import say, sentences

BANDS = ("worst", "best")
HETEROGENEOUS = "shifted_beta_geometric"
ASSUMPTION = ["model", "fixed", "fixed_at"]
"""Columns that tell assumptions apart."""
_TOP, _BOTTOM = 200.0, 0.8


@dataclass(frozen=True, slots=True)
class Printed:
    """What the study printed of further membership, by band; NaN where it printed no number."""

    years: dict[str, float]
    words: dict[str, str]


def by_heterogeneity(
    years: pd.DataFrame, printed: Printed, spec: CohortSpec, *, ax: Axes | None = None
) -> Axes:
    """Draw years of membership, on a log scale, against how much smaller the second year's loss is.

    Parameters
    ----------
    years : DataFrame
        ``model, fixed, fixed_at, group, retention, heterogeneity, years``.
    printed : Printed
        Drawn as a line where it is a number, and named where it is words.
    spec : CohortSpec
        What ``worst`` and ``best`` are.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    with drawing.canvas(ax, (4, 3.7)) as axes:
        for (model, *_, group), rows in years.groupby([*ASSUMPTION, "group"], sort=False):
            color, thick = drawing.group_color(str(group)), model == HETEROGENEOUS
            finite = np.isfinite(rows["years"])
            x, y = 100 * rows["heterogeneity"], rows["years"].replace(np.inf, 50 * _TOP)
            if finite.sum() == 1:
                axes.plot(x[finite], y[finite], "o", ms=4, color=color, clip_on=False, zorder=3)
            else:
                axes.plot(x, y, color=color, lw=2 if thick else 0.6, alpha=1 if thick else 0.75)
        axes.set_yscale("log")
        axes.set_ylim(_BOTTOM, _TOP)
        axes.set_xlim(0, 100 * years["heterogeneity"].max())
        _mark_printed(axes, printed)
        axes.set_yticks([1, 2, 3, 6, 10, 20, 50, 100], minor=False)
        axes.minorticks_off()
        drawing.plain_numbers(axes.yaxis)
        for group in BANDS:
            label = say(
                "third_chart.retained_after_a_year", group=score(group, spec), share=retained(years, group)
            )
            axes.plot([], [], color=drawing.group_color(group), lw=2, label=label)
        drawing.legend_above(axes, 1)
        drawing.label_axes(axes, say("third_chart.heterogeneity_axis"), say("third_chart.years_axis"))
        return axes


def by_family(years: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the range of years of each family: a dot at its lowest φ, a line to its highest, an arrow to no end.

    Parameters
    ----------
    years, ax
        As in `by_heterogeneity`.
    """
    lines = list(years.groupby(ASSUMPTION, sort=False))
    with drawing.canvas(ax, (4, 3.7)) as axes:
        for height, (_, rows) in enumerate(lines):
            mine = rows.dropna(subset="years")
            for group, side in zip(BANDS, (-0.15, 0.15), strict=True):
                ends = mine.loc[mine["group"] == group, "years"].to_numpy(float)
                if ends.size:
                    _range(axes, ends, height + side, drawing.group_color(group))
        axes.set_xscale("log")
        axes.set_xlim(_BOTTOM, _TOP)
        axes.set_xticks([1, 3, 6, 10, 30, 100], minor=False)
        axes.minorticks_off()
        drawing.plain_numbers(axes.xaxis)
        axes.set_yticks(range(len(lines)), [assumption_name(*rows[ASSUMPTION].iloc[0]) for _, rows in lines])
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.plot([], [], "o-", ms=3.5, lw=1.4, color=drawing.GREY, label=say("third_chart.from_lowest"))
        axes.plot([], [], ">", ms=4, color=drawing.GREY, label=say("third_chart.no_end"))
        drawing.legend_above(axes, 1)
        drawing.label_axes(axes, say("third_chart.years_axis"), say("third_chart.assumption_axis"))
        return axes


def _range(ax: Axes, ends: np.ndarray, height: float, color: drawing.Color) -> None:
    low, high = float(ends[0]), float(ends.max())
    last = min(high, _TOP)
    ax.hlines(height, low, last, color=color, lw=1.4)
    ax.plot([low], [height], "o", ms=3.5, color=color)
    if high > last:
        ax.plot([last], [height], ">", ms=4, color=color, clip_on=False, zorder=3)


def _mark_printed(ax: Axes, printed: Printed) -> None:
    """Draw the published number; words have none and are written above the year that they name."""
    for group in BANDS:
        number = printed.years.get(group, math.nan)
        told = say("third_chart.printed", words=printed.words.get(group, ""))
        at, style = (1.0, (0, (1, 2))) if math.isnan(number) else (number, (0, (4, 2)))
        color = drawing.group_color(group)
        ax.axhline(at, color=color, lw=0.9, ls=style)
        ax.annotate(
            told, (0.98, at), xycoords=("axes fraction", "data"), xytext=(0, -2), textcoords="offset points",
            ha="right", va="top", fontsize=6.3, color=color,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.8},
        )  # fmt: skip


def retained(years: pd.DataFrame, group: str) -> float:
    """Give the share retained after a year that the chart starts from."""
    return float(years.loc[years["group"] == group, "retention"].iloc[0])


def assumption_name(model: str, fixed: str = "", fixed_at: float = 0.0) -> str:
    """Name an assumption for readers."""
    key = f"third_chart.model_{model}"
    name = say(f"third_chart.model_{model}") if key in sentences(current()) else words(model)
    return say("third_chart.assumption", model=name, fixed=fixed, value=fixed_at) if fixed else name
