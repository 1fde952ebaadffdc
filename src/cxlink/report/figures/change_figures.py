"""The figures of a comparison: parts of a change, the effect by score, and observed against predicted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.comparison.retention_change import DECILES
from cxlink.estimands.tidy import select
from cxlink.report.figures import drawing
from cxlink.report.format import levels
from cxlink.report.words import say

PARTS = ("mix_strata", "mix_score", "baseline", "effect", "total")


def change_parts(
    changes: pd.DataFrame, label: str, scale: float, *, simulated: bool = False, ax: Axes | None = None
) -> Axes:
    """Draw the parts of a change with their intervals, the total below a line.

    Parameters
    ----------
    changes : DataFrame
        Rows of ``changes.csv``: one outcome and group of two cohorts.
    label : str
        Of the axis.
    scale : float
        What estimates are multiplied by: 100 for points.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    rows = changes.set_index("part").loc[list(PARTS)]
    height = np.arange(len(rows))[::-1].astype(float)
    height[-1] -= 0.3
    with drawing.canvas(ax, (6.3, 1.9)) as axes:
        axes.axvline(0, color=drawing.GREY, lw=0.8, zorder=0)
        axes.axhline(0.35, color="#c8c8c8", lw=0.6, zorder=0)
        colors = [drawing.INK if part == "total" else drawing.score_colors(3)[1] for part in rows.index]
        _points(axes, height, _ends(rows, scale), colors)
        axes.set_yticks(height, [say(f"change.part_{part}") for part in PARTS])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.9, len(rows) - 0.4)
        drawing.plain_numbers(axes.xaxis)
        drawing.label_axes(axes, label, "")
        drawing.mark_simulated(axes, simulated)
        return axes


def effect_by_score(
    changes: pd.DataFrame, spec: CohortSpec, label: str, scale: float, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw what the effect changed at each score, and the whole change (hollow), with intervals.

    Parameters
    ----------
    changes : DataFrame
        Rows of ``changes.csv``: one outcome of two cohorts.
    spec : CohortSpec
        Its scale.
    label : str
        Of the vertical axis.
    scale : float
        What estimates are multiplied by.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    names = _scores(changes["group"], spec)
    with drawing.canvas(ax, (6.3, 2.1)) as axes:
        axes.axhline(0, color=drawing.GREY, lw=0.8, zorder=0)
        colors = drawing.score_colors(len(names))
        for part, shift, hollow in (("total", -0.12, True), ("effect", 0.12, False)):
            rows = select(changes, part=part).set_index("group").loc[names]
            for x, (middle, *ends) in enumerate(_ends(rows, scale)):
                axes.plot([x + shift] * 2, ends, color=colors[x], lw=1.0 if hollow else 1.6)
                face = "white" if hollow else colors[x]
                axes.plot([x + shift], [middle], "o", ms=4.5, mec=colors[x], mfc=face)
        axes.plot([], [], "o", ms=4.5, mec=drawing.GREY, mfc="white", label=say("change.whole"))
        axes.plot([], [], "o", ms=4.5, color=drawing.GREY, label=say("change.effect_alone"))
        drawing.legend_above(axes, 2)
        axes.set_xticks(range(len(names)), [levels(name, spec) for name in names])
        drawing.plain_numbers(axes.yaxis)
        drawing.label_axes(axes, say("change.score"), label)
        drawing.mark_simulated(axes, simulated)
        return axes


_TENTHS = {f"decile {k}": k for k in range(1, DECILES + 1)}


def tenth(group: str) -> int:
    """Give which tenth of the predicted risk a group of ``calibration.csv`` is; 0 for scores."""
    return _TENTHS.get(group, 0)


def observed_and_predicted(
    calibration: pd.DataFrame, spec: CohortSpec, label: str, scale: float, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw what was observed in the new cohort against what the base predicts of it: by score, and by tenth (squares).

    Parameters
    ----------
    calibration : DataFrame
        Rows of ``calibration.csv``: one outcome of two cohorts.
    spec : CohortSpec
        Its scale.
    label : str
        What it is, with its unit.
    scale : float
        What estimates are multiplied by.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    scores = _scores(calibration["group"], spec)
    tenths = [name for name in dict.fromkeys(calibration["group"]) if tenth(name)]
    sides = [select(calibration, quantity=name).set_index("group") for name in ("predicted", "observed")]
    with drawing.canvas(ax, (3.4, 3.1)) as axes:
        colors = [*drawing.score_colors(len(scores)), *([drawing.GREY] * len(tenths))]
        for name, color in zip([*scores, *tenths], colors, strict=True):
            x, y = (_ends(side.loc[[name]], scale)[0] for side in sides)
            of_tenth = name in tenths
            width = 0.6 if of_tenth else 1.1
            axes.plot(x[1:], [y[0]] * 2, color=color, lw=width, alpha=0.7)
            axes.plot([x[0]] * 2, y[1:], color=color, lw=width, alpha=0.7)
            mark = (
                {"marker": "s", "ms": 3.2, "mfc": "white"}
                if of_tenth
                else {"marker": "o", "ms": 4.8, "mfc": color}
            )
            axes.plot([x[0]], [y[0]], ls="", mec=color, zorder=2 if of_tenth else 3, **mark)  # type: ignore[arg-type]
        low, high = min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1])
        axes.plot([low, high], [low, high], color=drawing.GREY, lw=0.8, zorder=0)
        axes.set_xlim(low, high)
        axes.set_ylim(low, high)
        axes.plot([], [], "o", ms=4.8, color=drawing.GREY, label=say("change.by_score"))
        axes.plot([], [], "s", ms=3.2, mec=drawing.GREY, mfc="white", label=say("change.by_tenth"))
        drawing.legend_above(axes, 2)
        axes.grid(visible=True, axis="both")
        drawing.plain_numbers(axes.xaxis)
        drawing.plain_numbers(axes.yaxis)
        drawing.label_axes(
            axes, say("change.predicted_axis", outcome=label), say("change.observed_axis", outcome=label)
        )
        drawing.mark_simulated(axes, simulated)
        return axes


def off_by_score(
    calibration: pd.DataFrame, spec: CohortSpec, label: str, scale: float, *, most: float | None = None,
    simulated: bool = False, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw observed less predicted at each score with its interval, within what the verdict tolerates (grey).

    Parameters
    ----------
    calibration : DataFrame
        Rows of ``calibration.csv``: one outcome of two cohorts.
    spec : CohortSpec
        Its scale.
    label : str
        Of the horizontal axis.
    scale : float
        What estimates are multiplied by.
    most : float, optional
        What is tolerated, in the unit of the estimates; not drawn where it differs by score.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    names = _scores(calibration["group"], spec)
    rows = select(calibration, quantity="difference").set_index("group").loc[names]
    with drawing.canvas(ax, (2.9, 3.1)) as axes:
        axes.axvline(0, color=drawing.GREY, lw=0.8, zorder=0)
        if most is not None:
            axes.axvspan(-scale * most, scale * most, color="#efefef", lw=0, zorder=-1)
        colors = drawing.score_colors(len(names))
        _points(axes, np.arange(len(names)), _ends(rows, scale), colors)
        axes.set_yticks(range(len(names)), [levels(name, spec) for name in names])
        drawing.plain_numbers(axes.xaxis)
        drawing.label_axes(axes, label, say("change.score"))
        drawing.mark_simulated(axes, simulated)
        return axes


def _points(
    axes: Axes, heights: np.ndarray, values: list[list[float]], colors: Sequence[drawing.Color]
) -> None:
    """Estimates with horizontal intervals, one a row, and vertical grid lines."""
    for y, (middle, *ends), color in zip(heights, values, colors, strict=True):
        axes.plot(ends, [y, y], color=color, lw=1.4)
        axes.plot([middle], [y], "o", ms=4.5, color=color)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")


def _ends(rows: pd.DataFrame, scale: float) -> list[list[float]]:
    """Estimate, lower and upper end of each row."""
    values: list[list[float]] = (scale * rows[["estimate", "conf_low", "conf_high"]].to_numpy(float)).tolist()
    return values


def _scores(groups: Sequence[str] | pd.Series, spec: CohortSpec) -> list[str]:
    """Single levels among the groups, from the worst to the best."""
    present = set(groups)
    return [str(level) for level in spec.scale.levels if str(level) in present]
