"""Public curves as judges: what the families and their averages made of the first years of two published segments."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.format import FIRM, customers, decimal, listed, percent
from cxlink.results import Reproduced

AIC, EQUAL, CONSTANT = "averaged_aic", "averaged_equal", "constant_year_1"
_AVERAGE, _PLAIN = drawing.score_colors(2)[::-1]
_SHARES = (2.2, 1, 1.2, 1.7, 1.9, 1.9, 1.7)


def public_curves_section(study: Reproduced, level: int) -> list[Block]:
    """Show what projections from the first years made of years that were then observed.

    Parameters
    ----------
    study : Reproduced
        Its ``public_curves`` and ``public_verdicts``.
    level : int
        Of the heading.
    """
    curves, verdicts = study.public_curves, study.public_verdicts.to_dict("records")
    panels = list(curves[["fitted_to", "segment"]].drop_duplicates().sort_values("fitted_to", kind="stable")
                  .itertuples(index=False, name=None))  # fmt: skip
    n_columns = curves["segment"].nunique()
    n_rows = -(-len(panels) // n_columns)
    with drawing.sheet((6.3, 0.5 + 2.1 * n_rows), n_rows, n_columns) as axes:
        for i, (ax, (window, segment)) in enumerate(zip(axes, panels, strict=False)):
            mine = curves[(curves["segment"] == segment) & (curves["fitted_to"] == window)]
            projection(mine, ax=ax).set_ylabel("Still customers (%)" if i % n_columns == 0 else "")
            ax.set_title(f"{segment}, fitted to years 1–{window}", loc="left", fontsize=7.5)
        _name_marks(axes[0])
    return [
        heading("Years that were observed: two public curves as judges", level, new_page=True),
        paragraph(_what(verdicts)),
        paragraph(_averages(verdicts)),
        paragraph(_single(verdicts)),
        picture("study-public-curves", drawing.svg(axes[0]), _alt(verdicts), _caption()),
        _table(verdicts),
    ]


def projection(curves: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw one window's projections beside what happened.

    Observed: dots, filled where they were fitted to. Families: thin. The averages: a band and a line by AIC, two
    hair lines for the ends of equal weights'. Dashed: the first year's retention for ever.

    Parameters
    ----------
    curves : DataFrame
        ``fitted_to, model, year, estimate, conf_low, conf_high, actual, aic`` of one segment and window.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    window = int(curves["fitted_to"].iloc[0])
    with drawing.canvas(ax, (3.2, 2.2)) as axes:
        axes.axvspan(0, window, color="#f1f1f1", lw=0)
        for _, rows in curves[curves["aic"].notna()].groupby("model", sort=False):
            axes.plot(*_from_start(rows, "estimate"), color=drawing.GREY, lw=0.45, alpha=0.8)
        average, equal, constant = (curves[curves["model"] == name] for name in (AIC, EQUAL, CONSTANT))
        year, low = _from_start(average, "conf_low")
        axes.fill_between(
            year, low, _from_start(average, "conf_high")[1], color=_AVERAGE, alpha=drawing.BAND, lw=0
        )
        axes.plot(*_from_start(average, "estimate"), color=_AVERAGE, lw=1.5)
        for end in ("conf_low", "conf_high"):
            axes.plot(*_from_start(equal, end), color=_AVERAGE, lw=0.8, ls=(0, (1, 1.5)))
        axes.plot(*_from_start(constant, "estimate"), color=_PLAIN, lw=1.3, ls=(0, (4, 2)))
        year, actual = _from_start(constant, "actual")
        seen = year <= window
        axes.plot(year[seen], actual[seen], "o", ms=3.4, color=drawing.INK, zorder=3, clip_on=False)
        axes.plot(
            year[~seen], actual[~seen], "o", ms=3.4, mfc="white", mec=drawing.INK, mew=0.9, zorder=3,
            clip_on=False,
        )  # fmt: skip
        axes.set_xlim(0, year[-1])
        axes.set_ylim(0, 100)
        axes.set_xticks(np.arange(0, year[-1] + 1, 2))
        drawing.label_axes(axes, "Time since joining (years)", "Still customers (%)")
        return axes


def _from_start(rows: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Years and shares in per cent, the start put before them."""
    return np.r_[0, rows["year"].to_numpy(int)], np.r_[100.0, 100 * rows[column].to_numpy(float)]


def _name_marks(ax: Axes) -> None:
    figure = ax.get_figure(root=True)
    for style, name in (
        ({"marker": "o", "ms": 3.4, "lw": 0, "color": drawing.INK}, "observed, fitted to"),
        ({"marker": "o", "ms": 3.4, "lw": 0, "mfc": "white", "mec": drawing.INK}, "observed later"),
        ({"lw": 0.5, "color": drawing.GREY}, "a family"),
        ({"lw": 1.5, "color": _AVERAGE}, "average by AIC, with interval"),
        ({"lw": 0.8, "ls": (0, (1, 1.5)), "color": _AVERAGE}, "interval of equal weights"),
        ({"lw": 1.3, "ls": (0, (4, 2)), "color": _PLAIN}, "first year’s retention for ever"),
    ):  # fmt: skip
        ax.plot([], [], label=name, **style)
    if figure is not None:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _what(verdicts: Sequence[dict[Any, Any]]) -> str:
    segments = list(dict.fromkeys(row["segment"] for row in verdicts))
    windows = sorted({row["fitted_to"] for row in verdicts})
    year = verdicts[0]["year"]
    return (
        "Whether a projection can be trusted is best seen where the future is known. Fader and Hardie (2007) printed "
        f"{year} years of real customers of a subscription company, in {len(segments)} segments. These are not the "
        "customers of the study, and not simulated. Here every family that the losses can carry is fitted to years "
        f"{listed([f'1–{window}' for window in windows])} of each segment, taken as "
        f"{customers(verdicts[0]['customers'])} as in their paper, and projected to year {year}."
    )


def _averages(verdicts: Sequence[dict[Any, Any]]) -> str:
    judged = sum(row["years_judged"] for row in verdicts)
    held = sum(row["years_held"] for row in verdicts)
    narrower = sum(row["years_narrower"] for row in verdicts)
    aic, equal = (float(np.mean([row[f"width_{name}"] for row in verdicts])) for name in ("aic", "equal"))
    panels = sum(row["width_aic"] < row["width_equal"] for row in verdicts)
    since = verdicts[0]["judged_from"]
    return (
        "The families disagree about the later years, so none is trusted alone: the average weighs them by how well "
        "they fit, less a penalty for each parameter (AIC), and its interval holds their disagreement. From year "
        f"{since} on, that interval holds what happened in {held} of {judged} cases, a case being a year of a panel "
        f"below (in the longer window some of these years were fitted to). It is narrower than that of an average with "
        f"equal weights in {narrower} of the {judged}, and on average over the years in {panels} of the "
        f"{len(verdicts)} panels: {_points(aic)} points wide beside {_points(equal)}."
    )


def _single(verdicts: Sequence[dict[Any, Any]]) -> str:
    longest = max(row["fitted_to"] for row in verdicts)
    late = [row for row in verdicts if row["fitted_to"] == longest]
    sbg = listed([f"{_error(row['sbg'], row['actual'])} ({row['segment']})" for row in late])
    short = [row for row in verdicts if row["fitted_to"] != longest]
    early = listed([f"{_error(row['sbg'], row['actual'])} ({row['segment']})" for row in short])
    constant = listed(
        [
            f"{percent(row['constant'], 1)} where {percent(row['actual'], 1)} stayed ({row['segment']})"
            for row in late
        ]
    )
    text = (
        f"Fitted to {longest} years, the shifted-beta-geometric alone misses the share still there in year "
        f"{late[0]['year']} by {sbg} of that share"
    )
    text += f"; fitted to {short[0]['fitted_to']} years, by {early}." if short else "."
    return (
        f"{text} The first year’s retention kept up for ever, the shortest way from one share to years, fails: it "
        f"leaves {constant}."
    )


def _table(verdicts: Sequence[dict[Any, Any]]) -> Block:
    cells = [
        [
            f"{row['segment']}, years 1–{row['fitted_to']}",
            _points(row["actual"]),
            _points(row["constant"]),
            *(_with_ends(row, name) for name in ("sbg", "aic", "equal")),
            f"{row['years_held']} of {row['years_judged']}",
        ]
        for row in verdicts
    ]
    year = verdicts[0]["year"]
    header = [
        "Segment, fitted to", "Actual", "First year for ever", "Shifted-beta-geometric", "Average by AIC",
        "Equal weights", f"AIC’s held, of years {verdicts[0]['judged_from']}–{year}",
    ]  # fmt: skip
    families = listed([str(n) for n in sorted({row["n_families"] for row in verdicts})])
    notes = [
        f"Per cent, with 95 % intervals. {families} families had losses in enough years to be fitted, the fewer of "
        "them to the shorter window."
    ]
    caption = f"Customers still there in year {year}: what happened, and what was projected."
    return table(caption, header, cells, notes=notes, shares=_SHARES)


def _caption() -> str:
    return (
        "Two segments of Fader and Hardie (2007): years fitted to (shaded), what happened after them, and what each "
        "family, the averages and a constant hazard had projected. Real customers, not simulated."
    )


def _alt(verdicts: Sequence[dict[Any, Any]]) -> str:
    said = "; ".join(
        f"{row['segment']}, fitted to years 1–{row['fitted_to']}: {percent(row['actual'], 1)} still there, average by "
        f"AIC {_with_ends(row, 'aic')}, first year for ever {percent(row['constant'], 1)}"
        for row in verdicts
    )
    return f"Survival curves by panel, with observed shares as dots. In year {verdicts[0]['year']}: {said}."


def _with_ends(row: dict[Any, Any], name: str) -> str:
    low, high = (_points(row[f"{name}{end}"]) for end in ("_low", "_high"))
    return f"{_points(row[name])} [{low},{FIRM}{high}]"


def _points(share: float) -> str:
    return decimal(100 * share, 1)


def _error(estimate: float, actual: float) -> str:
    return percent(estimate / actual - 1, 1)
