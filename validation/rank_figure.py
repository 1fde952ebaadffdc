"""The figure of calibrated posteriors: how far ranks of truths are from uniform, inside their band."""

import pandas as pd
from matplotlib.axes import Axes

from cxlink.report.figures import drawing

OUTSIDE = drawing.score_colors(2)[0]
_COLUMNS = 2
_MIDDLE = 50


def rank_figure(table: pd.DataFrame) -> Axes:
    """Draw the distribution of ranks less the uniform one, a panel for each kind and a line for each quantity.

    Parameters
    ----------
    table : DataFrame
        ``kind, quantity, inside, at, difference, low, high``: at is the share of ranks (0 to 1) under which the
        distribution is taken; low and high are the band around the uniform one, less it.

    Returns
    -------
    Axes
        The first of the panels.
    """
    kinds = list(table["kind"].unique())
    n_rows = -(-len(kinds) // _COLUMNS)
    with drawing.sheet((6.6, 0.4 + 1.9 * n_rows), n_rows, _COLUMNS) as panels:
        for ax, kind in zip(panels, kinds, strict=False):
            _panel(ax, table[table["kind"] == kind])
            ax.set_title(str(kind).replace("`", ""), loc="left", fontsize=7.5)
        for ax in panels[len(kinds) :]:
            ax.set_axis_off()
        drawing.mark_simulated(panels[_COLUMNS - 1], simulated=True)
    return panels[0]


def _panel(ax: Axes, rows: pd.DataFrame) -> None:
    one = rows[rows["quantity"] == rows["quantity"].iloc[0]]
    ax.fill_between(100 * one["at"], 100 * one["low"], 100 * one["high"], color="#dddddd", linewidth=0)
    ax.axhline(0, color=drawing.GREY, linewidth=0.7)
    for quantity, line in rows.groupby("quantity", sort=False):
        x, y = 100 * line["at"], 100 * line["difference"]
        inside = bool(line["inside"].iloc[0])
        ax.plot(x, y, color=drawing.GREY if inside else OUTSIDE, linewidth=0.6 if inside else 1.2)
        if not inside:
            far = y.abs().idxmax()
            side = "left" if x[far] < _MIDDLE else "right"
            name = str(quantity).replace("_", " ")
            ax.annotate(name, (x[far], y[far]), fontsize=6, color=OUTSIDE, ha=side)
    ax.set_xlim(0, 100)
    drawing.label_axes(ax, "Rank of the truth among draws (%)", "Share below,\nless uniform (points)")
