"""Figures of an intervention: where it breaks even, and how likely, by the causal share."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from cxlink.estimands.scenario import scenario_of
from cxlink.report.estimates_lookup import Estimate, known_rows
from cxlink.report.figures import drawing
from cxlink.report.words import say


def by_share(estimates: pd.DataFrame, estimand: str) -> list[tuple[float, Estimate]]:
    """Give the rows of an intervention's table that are made for causal shares, by that share."""
    rows = [(scenario_of(row.scenario), row) for row in known_rows(estimates, estimand=estimand)]
    shares = [(one.number, row) for one, row in rows if one.kind == "causal_share" and one.number is not None]
    return sorted(shares, key=lambda pair: pair[0])


def break_even(
    estimates: pd.DataFrame,
    cost: float,
    causal_share: float,
    *,
    simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Draw the incremental margin by the causal share, with its band, against the cost.

    Parameters
    ----------
    estimates : DataFrame
        An intervention's table.
    cost : float
        In the currency.
    causal_share : float
        The one that was asked for.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    found = by_share(estimates, "incremental_margin")
    currency = found[0][1].unit if found else ""
    with drawing.canvas(ax, (6.3, 2.7)) as axes:
        best = drawing.group_color("best")
        across = [100 * share for share, _ in found]
        axes.fill_between(
            across, [row.conf_low for _, row in found], [row.conf_high for _, row in found], color=best,
            alpha=drawing.BAND, lw=0,
        )  # fmt: skip
        axes.plot(across, [row.estimate for _, row in found], color=best, lw=1.4)
        axes.axhline(cost, color=drawing.INK, lw=0.9, ls=(0, (4, 2)))
        axes.text(
            1.01, cost, say("intervention.cost"), transform=axes.get_yaxis_transform(), va="center", fontsize=7,
            color=drawing.INK,
        )  # fmt: skip
        _mark(axes, estimates, cost)
        axes.axvline(100 * causal_share, color=drawing.GREY, lw=0.6, ls=(0, (1, 2)), zorder=0)
        axes.set_xlim(0, 100)
        drawing.plain_numbers(axes.yaxis)
        drawing.label_axes(
            axes, say("intervention.causal_share_axis"), say("intervention.margin_axis", currency=currency)
        )
        drawing.mark_simulated(axes, simulated)
        return axes


def _mark(ax: Axes, estimates: pd.DataFrame, cost: float) -> None:
    """Mark the point at which it breaks even, where a share of 1 or less does."""
    for row in known_rows(estimates, estimand="break_even_share"):
        if row.estimate <= 1:
            ax.plot([100 * row.estimate], [cost], "o", ms=5, color=drawing.INK, zorder=5)
            ax.annotate(
                say("intervention.breaks_even_at", share=row.estimate), (100 * row.estimate, cost), xytext=(4, -11),
                textcoords="offset points", fontsize=7, color=drawing.INK,
            )  # fmt: skip


def chance_of_breaking_even(
    estimates: pd.DataFrame, causal_share: float, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the probability that the margin is at least the cost, given each causal share.

    Parameters
    ----------
    estimates : DataFrame
        An intervention's table.
    causal_share : float
        The one that was asked for.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    found: Sequence[tuple[float, Estimate]] = by_share(estimates, "break_even_probability")
    with drawing.canvas(ax, (6.3, 2.0)) as axes:
        axes.plot(
            [100 * share for share, _ in found], [100 * row.estimate for _, row in found],
            color=drawing.group_color("best"), lw=1.4, clip_on=False,
        )  # fmt: skip
        axes.axvline(100 * causal_share, color=drawing.GREY, lw=0.6, ls=(0, (1, 2)), zorder=0)
        axes.set_xlim(0, 100)
        axes.set_ylim(0, 100)
        drawing.label_axes(axes, say("intervention.causal_share_axis"), say("intervention.probability_axis"))
        drawing.mark_simulated(axes, simulated)
        return axes
