"""Seconds by number of customers on logarithmic axes, as an SVG of the same bytes for the same rows."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.results import BARE, COUNTING, FROM_COUNTS, OURS, PEERS, WITH_IDS, Row, after_by_size

_STYLE = {
    "font.family": "DejaVu Sans", "font.size": 8, "axes.spines.top": False, "axes.spines.right": False,
    "axes.linewidth": 0.6, "svg.hashsalt": "cxlink", "svg.fonttype": "path",
}  # fmt: skip
_OURS, _AFTER, _GREY = "#0d0887", "#b5367a", "#5f5f5f"
_LINES = (
    (COUNTING[True], OURS, "counting,\nretention and spend", _OURS, "-"),
    (COUNTING[True], BARE, "the engine's\nbare group-by of it", _GREY, "-"),
    (WITH_IDS, OURS, "counting, and\nno id twice", _OURS, ":"),
)
_NAMES = dict(zip(PEERS.values(), ("Kaplan–Meier", "hazard ratio", "Weibull", "Poisson"), strict=True))
_PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8}

Label = tuple[float, float, str, str]


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw counting and what follows it as lines, fits of rows as points, each with its name beside it."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(7.2, 5.2), layout="constrained")
        ax = figure.add_subplot()
        ax.set(xscale="log", yscale="log", xlabel="customers", ylabel="seconds")
        _name(ax, _lines(ax, rows), 6, gap=1.75)
        _name(ax, _points(ax, rows), -6, gap=1.24)
        low, high = ax.get_xlim()
        decades = [10**k for k in range(2, 10) if low <= 10**k <= high]
        ax.set_xticks(decades, minor=False)
        ax.set_xticks([], minor=True)
        ax.set_xlim(low, high * 15)
        ax.grid(visible=True, color="#e4e4e4", linewidth=0.5)
        ax.set_axisbelow(True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _lines(ax: Axes, rows: Sequence[Row]) -> list[Label]:
    """Draw a line for each comparison timed at several sizes; returns the labels of their ends."""
    lines = [
        (
            sorted((r.size, r.seconds) for r in rows if (r.what, r.program) == (what, program) and r.seconds),
            name, color, style,
        )
        for what, program, name, color, style in _LINES
    ]  # fmt: skip
    lines.append((after_by_size(rows), "everything\nafter counting", _AFTER, "-"))
    ends = []
    for points, name, color, style in lines:
        if points:
            size, seconds = zip(*points, strict=True)
            ax.plot(size, seconds, style, color=color, marker="o", markersize=3, linewidth=1.3)
            ends.append((size[-1], seconds[-1], name, color))
    return ends


def _points(ax: Axes, rows: Sequence[Row]) -> list[Label]:
    """Draw the fits that start from rows; returns their names."""
    labels = []
    for one in rows:
        if one.what in _NAMES and one.seconds and one.program != FROM_COUNTS:
            color = _OURS if one.program == OURS else _GREY
            ax.plot(one.size, one.seconds, marker="D", markersize=3, color=color, linestyle="none")
            labels.append((float(one.size), one.seconds, f"{one.program}, {_NAMES[one.what]}", color))
    return labels


def _name(ax: Axes, labels: list[Label], shift: int, gap: float) -> None:
    """Write names beside their points, pushed apart where they would overlap."""
    last: dict[float, float] = {}
    for x, y, name, color in sorted(labels, key=lambda label: label[1]):
        last[x] = max(y, last.get(x, 0.0) * gap)
        ax.annotate(
            name, (x, last[x]), (shift, 0), textcoords="offset points", ha="left" if shift > 0 else "right",
            va="center", color=color, fontsize=7, bbox=_PAPER,
        )  # fmt: skip
