"""Pictures of fitted models: drawn into the active pyplot figure, or into axes that are given."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes_of(ax: "Axes | None") -> "Axes":
    """The axes given, or those of a new pyplot figure: a notebook shows it when the cell ends."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def forest(summary: pd.DataFrame, ratio: str, ax: "Axes | None" = None) -> "Axes":
    """Draw ratios and their intervals on a log scale, a row each."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes = axes_of(ax)
    places = np.arange(len(summary))[::-1]
    low, value, high = (summary[name].to_numpy(float) for name in ("conf_low", ratio, "conf_high"))
    axes.errorbar(
        value, places, xerr=np.maximum([value - low, high - value], 0.0), fmt="o", color="#1b4f72", capsize=2
    )
    axes.axvline(1.0, color="0.6", linewidth=0.8)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(places, [term.replace("[T.", " = ").replace("]", "") for term in summary.index])
    axes.set_xlabel(f"{ratio.replace('_', ' ')} (log scale)")
    return axes


def curves(table: pd.DataFrame, labels: Sequence[str], unit: str, ax: "Axes | None" = None) -> "Axes":
    """Draw survival curves with their intervals: ``label``, ``time``, ``estimate``, ``conf_low``, ``conf_high``."""
    from cxlink.report.figures.drawing import score_colors

    axes = axes_of(ax)
    for label, colour in zip(labels, score_colors(len(labels)), strict=True):
        one = table[table["label"] == label]
        axes.step(one["time"], one["estimate"], where="post", color=colour, label=label)
        axes.fill_between(
            one["time"], one["conf_low"], one["conf_high"], step="post", color=colour, alpha=0.15
        )
    axes.set_ylim(0, 1)
    axes.set_xlabel(f"{unit}s")
    axes.set_ylabel("retained")
    axes.legend(frameon=False)
    return axes
