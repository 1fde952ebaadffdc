"""The figure of the proof: how often intervals hold the truth, process by process."""

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes

from cxlink.report.figures import drawing

UNADJUSTED, STANDARDISED = drawing.score_colors(2)
_KINDS = (("no", "unadjusted", UNADJUSTED, "o"), ("standardised", "standardised", STANDARDISED, "D"))


def coverage_figure(table: pd.DataFrame) -> Axes:
    """Draw the coverage of every level by process and quantity, unadjusted and standardised, a panel for each size.

    One mark is one level (and seed); the grey band is 93 to 97 %.

    Parameters
    ----------
    table : DataFrame
        ``process, customers, estimand, group, reference, adjusted, scenario, coverage``; levels' own rows are drawn.

    Returns
    -------
    Axes
        The first of the panels.
    """
    levels = table[table["group"].str.isdigit() & table["reference"].eq("") & table["scenario"].eq("")]
    lines = list(levels[["process", "estimand"]].drop_duplicates().itertuples(index=False, name=None))
    sizes = sorted(levels["customers"].unique())
    with drawing.sheet((6.6, 0.9 + 0.24 * len(lines)), 1, max(len(sizes), 1)) as panels:
        for ax, size in zip(panels, sizes, strict=False):
            _panel(ax, levels[levels["customers"] == size], lines)
            ax.set_title(f"{size:,} customers", loc="left", fontsize=7.5)
        panels[0].set_yticks(range(len(lines)), [_name(*line) for line in lines])
        for ax in panels[1:]:
            ax.set_yticks(range(len(lines)), [""] * len(lines))
        drawing.mark_simulated(panels[-1], simulated=True)
        figure = panels[0].get_figure(root=True)
        if figure is not None:
            figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return panels[0]


def _name(process: str, estimand: str) -> str:
    return f"{process.replace('_', ' ')}: {estimand}"


def _panel(ax: Axes, levels: pd.DataFrame, lines: list[tuple[str, str]]) -> None:
    ax.axvspan(93, 97, color="#dddddd", linewidth=0)
    ax.axvline(95, color=drawing.GREY, linewidth=0.7)
    for (adjusted, label, color, marker), lift in zip(_KINDS, (0.16, -0.16), strict=True):
        points = list(_points(levels[levels["adjusted"] == adjusted], lines, lift))
        x, y = zip(*points, strict=True) if points else ((), ())
        ax.plot(
            x,
            y,
            marker,
            color=color,
            markersize=2.6,
            alpha=0.8,
            linestyle="none",
            label=label,
            markeredgewidth=0,
        )
    ax.set_xlim(-2, 102)
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    drawing.label_axes(ax, "Intervals that hold the truth (%)", "")


def _points(levels: pd.DataFrame, lines: list[tuple[str, str]], lift: float) -> Iterator[tuple[float, float]]:
    for row in levels[["process", "estimand", "coverage"]].itertuples(index=False, name=None):
        yield 100 * row[2], lines.index((row[0], row[1])) - lift
