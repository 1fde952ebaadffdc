"""Pictures of fitted models: drawn into the active pyplot figure, or into axes that are given."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxlink.cohort.count.spells import Spells
    from cxlink.cohort.spec.cohort_spec import CohortSpec


def axes_of(ax: "Axes | None") -> "Axes":
    """The axes given, or those of a new pyplot figure: a notebook shows it when the cell ends."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def forest(summary: pd.DataFrame, ratio: str, ax: "Axes | None" = None) -> "Axes":
    """Draw ratios and their intervals on a log scale, a row each."""
    from cxlink.report.figures.drawing import ratio_axis

    axes = axes_of(ax)
    places = np.arange(len(summary))[::-1]
    low, value, high = (summary[name].to_numpy(float) for name in ("conf_low", ratio, "conf_high"))
    axes.errorbar(
        value, places, xerr=np.maximum([value - low, high - value], 0.0), fmt="o", color="#1b4f72", capsize=2
    )
    axes.axvline(1.0, color="0.6", linewidth=0.8)
    axes.set_xscale("log")
    ratio_axis(axes, *axes.get_xlim())
    axes.set_yticks(places, [term.replace("[T.", " = ").replace("]", "") for term in summary.index])
    axes.set_xlabel(f"{ratio.replace('_', ' ')} (log scale)")
    return axes


def curves(
    table: pd.DataFrame, members: Mapping[str, np.ndarray], spells: "Spells | None", spec: "CohortSpec",
    ax: "Axes | None" = None,
) -> "Axes":  # fmt: skip
    """Draw survival curves with their intervals, each named at its end, and the customers at risk below.

    Parameters
    ----------
    table : DataFrame
        ``label``, ``time``, ``estimate``, ``conf_low``, ``conf_high``.
    members : mapping of str to int ndarray
        The labels to draw, from the worst to the best, and the pairs of level and stratum of each.
    spells : Spells or None
        The customers; None for no numbers at risk.
    spec : CohortSpec
        Unit of time, and the smallest number to be shown.
    ax : Axes, optional
        Where to draw; a new pyplot figure by default.
    """
    from cxlink.report.figures import cohort_figures, drawing
    from cxlink.report.format import units
    from cxlink.report.words import say

    axes = axes_of(ax)
    colours = dict(zip(members, drawing.score_colors(len(members)), strict=True))
    colours |= {"all": drawing.group_color("all")} if "all" in members else {}
    parts = {label: table[table["label"] == label] for label in members}
    for label, one in parts.items():
        axes.step(one["time"], one["estimate"], where="post", color=colours[label], label=label)
        axes.fill_between(
            one["time"], one["conf_low"], one["conf_high"], step="post", color=colours[label], alpha=0.15
        )
    heights = drawing.apart([one["estimate"].iloc[-1] for one in parts.values()], least=0.05, floor=0.02)
    for (label, one), height in zip(parts.items(), heights, strict=True):
        axes.annotate(
            label, (one["time"].iloc[-1], height), (5, 0), va="center", textcoords="offset points",
            color=colours[label], annotation_clip=False,
        )  # fmt: skip
    last = int(max(one["time"].iloc[-1] for one in parts.values()))
    axes.set_xlim(0, last)
    axes.set_xticks(cohort_figures.time_ticks(last, spec.unit))
    axes.set_ylim(0, 1)
    axes.set_xlabel(say("figures.time_since_score", units=units(spec.unit)))
    axes.set_ylabel(say("figures.retained_share"))
    if spells is not None:
        _at_risk(axes, members, spells, spec)
    return axes


def _at_risk(axes: "Axes", members: Mapping[str, np.ndarray], spells: "Spells", spec: "CohortSpec") -> None:
    from cxlink.report.figures.drawing import numbers_below
    from cxlink.report.words import say
    from cxlink.survival.at_risk_table import at_risk_since_entry

    ticks = [int(tick) for tick in axes.get_xticks()]
    lines = {label: at_risk_since_entry(spells, pairs, ticks) for label, pairs in members.items()}
    numbers_below(axes, say("figures.at_risk"), lines, smallest=spec.publish.smallest_cell, size=8.5)
