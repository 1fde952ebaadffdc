"""Forest plots: ratios of the score's levels and of every adjustment variable, with their intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.transforms import Bbox

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.columns import band_labels
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report import format as wording
from cxlink.report.estimates_lookup import known_rows
from cxlink.report.figures import drawing
from cxlink.report.figures.drawing import Color
from cxlink.report.words import say

HAZARDS, SPEND = ("grouped_ph",), ("poisson", "gamma")
MOST_LINES = 48
"""Of one figure: what fits on a page."""
_WIDEST = 100.0  # times 1, either way: what lies beyond says only that it is large
_MARKS = ("o", "s")
_LONGEST_HEADING = 70  # characters: as wide as the figure

Ends = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ForestLine:
    """A line of a forest plot: a ratio by each of several models, or a heading.

    Attributes
    ----------
    label : str
        The level, or of a heading the variable and its reference.
    color : color
        Of its marks.
    values : tuple of (estimate, low, high) or None
        One a model, None where it has none; empty for a heading.
    """

    label: str
    color: Color
    values: tuple[Ends | None, ...] = ()


def hazard_forest(
    estimates: pd.DataFrame, coefficients: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw hazard ratios of loss: of each score level against the worst band, and of each adjustment variable.

    Parameters
    ----------
    estimates, coefficients : DataFrame
        The tables of an analysis.
    spec : CohortSpec
        Its scale and bands.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.

    Raises
    ------
    InputError
        If no hazard ratio was estimated.
    """
    lines = forest_lines(estimates, coefficients, spec, HAZARDS)
    if not lines:
        raise InputError("no hazard ratio was estimated: a quick analysis and one of spend alone have none.")
    return _forest(lines, (), say("forest.axis_hazard"), (simulated, ax))


def spend_forest(
    estimates: pd.DataFrame, coefficients: pd.DataFrame, spec: CohortSpec, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw ratios of mean spend by the Poisson and quasi-gamma models; see `hazard_forest`.

    Raises
    ------
    InputError
        If no regression of spend was fitted.
    """
    lines = forest_lines(estimates, coefficients, spec, SPEND)
    if not lines:
        raise InputError(
            "no regression of spend was fitted: a quick analysis and one without [spend] have none."
        )
    names = tuple(wording.words(model) for model in SPEND)
    return _forest(lines, names, say("forest.axis_spend"), (simulated, ax))


def forest_lines(
    estimates: pd.DataFrame, coefficients: pd.DataFrame, spec: CohortSpec, models: Sequence[str]
) -> list[ForestLine]:
    """Collect the lines of a forest plot, score levels first; headings name each variable and its reference."""
    lines = list(_score_lines(estimates, spec, models))
    own = in_order(adjusters(coefficients, models), spec)
    for term in dict.fromkeys(own["term"]):
        mine = own[own["term"] == term]
        heading = say("forest.against", name=wording.variable(term), reference=mine["reference"].iloc[0])
        lines.append(ForestLine(wording.capital(heading), drawing.INK))
        for level in dict.fromkeys(mine["level"]):
            rows = mine[mine["level"] == level].set_index("model")
            ends = tuple(_ends(rows.loc[model]) if model in rows.index else None for model in models)
            lines.append(ForestLine(wording.shortened(level), drawing.INK, ends))
    return lines


def adjusters(coefficients: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Give the terms of adjustment variables in these models, each against its reference; none where blank."""
    if not len(coefficients):
        return pd.DataFrame(columns=["model", "term", "level", "reference"])
    mine = coefficients[coefficients["model"].isin(models) & (coefficients["adjusted"] == "conditional")]
    mine = mine[(mine["term"] != "score") & (mine["reference"] != "") & mine["part"].isin(["", "mean"])]
    ends = mine[["estimate", "conf_low", "conf_high"]].to_numpy(float)
    return mine[np.isfinite(ends[:, 0]) & ~np.isinf(ends).any(axis=1)].reset_index(drop=True)


def in_order(rows: pd.DataFrame, spec: CohortSpec) -> pd.DataFrame:
    """Sort terms by the spec's order of variables, and the levels of a banded one by its cuts."""
    variables = {name: k for k, name in enumerate(spec.stratum_variables)}
    bands = {(name, one): k for name, cuts in spec.cuts.items() for k, one in enumerate(band_labels(cuts))}
    pairs = zip(rows["term"], rows["level"], strict=True)
    order = [
        (variables.get(term, len(variables)), bands.get((term, level), len(bands))) for term, level in pairs
    ]
    return rows.iloc[sorted(range(len(rows)), key=order.__getitem__)].reset_index(drop=True)


def _ends(row: pd.Series) -> Ends:
    low, middle, high = np.exp(row[["conf_low", "estimate", "conf_high"]].to_numpy(dtype=float)).tolist()
    return middle, low, high


def _score_lines(estimates: pd.DataFrame, spec: CohortSpec, models: Sequence[str]) -> Iterator[ForestLine]:
    """Of each level against the worst band: adjusted where a model is, else by score alone."""
    estimand = "hazard_ratio" if tuple(models) == HAZARDS else "spend_ratio"
    found: dict[tuple[str, str], Ends] = {}
    for kind in ("no", "standardised", "conditional"):
        for row in known_rows(
            estimates, estimand=estimand, model=list(models), adjusted=kind, reference="worst", scenario=""
        ):
            if not row.stratum and row.estimate > 0 and np.isfinite(row.estimate):
                found[row.model, row.group] = row.estimate, row.conf_low, row.conf_high
    colors = drawing.score_colors(len(spec.scale.levels))
    levels = [level for level in spec.scale.levels if any((model, str(level)) in found for model in models)]
    if levels:
        worst = wording.levels("worst", spec)
        yield ForestLine(say("forest.score", reference=worst), drawing.INK)
    for level in levels:
        ends = tuple(found.get((model, str(level))) for model in models)
        yield ForestLine(wording.signed(level), colors[spec.scale.levels.index(level)], ends)


def _forest(
    lines: Sequence[ForestLine], names: Sequence[str], axis: str, shown: tuple[bool, Axes | None]
) -> Axes:
    simulated, ax = shown
    lines = lines[:MOST_LINES]
    with drawing.canvas(ax, (6.3, 0.75 + 0.155 * len(lines))) as axes:
        places, limits = -np.arange(len(lines), dtype=float), _limits(lines)
        for line, place in zip(lines, places, strict=True):
            _draw(axes, line, place, limits)
        axes.axvline(1.0, color=drawing.GREY, lw=0.7, zorder=0)
        drawing.ratio_axis(axes, *limits)
        _name_lines(axes, lines, places)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)  # a heading would cut it in two
        axes.set_ylim(places[-1] - 0.7, 0.7)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        for name, mark, face in zip(names, _MARKS, (drawing.GREY, "white"), strict=False):
            axes.plot([], [], mark, ms=3.6, color=drawing.GREY, mfc=face, mew=1, label=name)
        if names:
            drawing.legend_above(axes, len(names))
        drawing.label_axes(axes, axis, "")
        drawing.mark_simulated(axes, simulated)
        return axes


def _name_lines(axes: Axes, lines: Sequence[ForestLine], places: np.ndarray) -> None:
    """Write the levels left of the axis, and each heading in a row of its own, from where the longest level begins."""
    named = [(place, line) for place, line in zip(places, lines, strict=True) if line.values]
    axes.set_yticks([place for place, _ in named], [line.label for _, line in named], parse_math=False)

    def labels(renderer: RendererBase) -> Bbox:
        return axes.yaxis.get_tightbbox(renderer) or axes.get_window_extent(renderer)

    for place, line in zip(places, lines, strict=True):
        if not line.values:
            axes.annotate(
                wording.shortened(line.label, _LONGEST_HEADING), (0, place), va="center", parse_math=False,
                xycoords=(labels, "data"), fontsize=7, fontweight="bold", color=line.color,
                annotation_clip=False, zorder=3, bbox={"fc": axes.get_facecolor(), "ec": "none", "pad": 0.8},
            ).set_in_layout(False)  # fmt: skip


def _draw(axes: Axes, line: ForestLine, place: float, limits: tuple[float, float]) -> None:
    """Draw the ratios of a line, one below the other where there are several; an arrow where one leaves the axis."""
    several = len(line.values) > 1
    for k, ends in enumerate(line.values):
        if ends is None:
            continue
        y, (middle, low, high) = place + (0.2 - 0.4 * k if several else 0.0), ends
        inside = np.clip([low, high], *limits)
        face = line.color if k == 0 else "white"
        axes.hlines(y, *inside, color=line.color, lw=1.1)
        if limits[0] <= middle <= limits[1]:
            axes.plot([middle], [y], _MARKS[k], ms=3.6, color=line.color, mfc=face, mew=1)
        for arrow, edge, leaves in zip("<>", limits, (low < limits[0], high > limits[1]), strict=True):
            if leaves:
                axes.plot([edge], [y], arrow, ms=4.5, color=line.color, mfc=face, mew=1, clip_on=False)


def leave_the_axis(lines: Sequence[ForestLine]) -> bool:
    """Whether any interval goes beyond the ends of the axis, where an arrow stands for what is not drawn."""
    low, high = _limits(lines)
    return any(ends[1] < low or ends[2] > high for line in lines for ends in line.values if ends is not None)


def _limits(lines: Sequence[ForestLine]) -> tuple[float, float]:
    """Ends of the axis: the intervals, with 1 between them, at most a hundred times 1 either way."""
    every = [value for line in lines for ends in line.values if ends is not None for value in ends]
    known = [value for value in every if not np.isnan(value)]  # an estimate may stand without an interval
    low, high = min(known, default=0.5), max(known, default=2.0)
    return max(min(low, 0.9) * 0.9, 1 / _WIDEST), min(max(high, 1.1) * 1.1, _WIDEST)
