"""Projections checked on public curves: two published segments, fitted to their first years."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.format import FIRM, customers, decimal
from cxlink.report.words import say
from cxlink.results import Reproduced

AIC, EQUAL, CONSTANT = "averaged_aic", "averaged_equal", "constant_year_1"
_AVERAGE, _PLAIN = drawing.score_colors(2)[::-1]
_COLUMNS = ("panel", "actual", "constant", "sbg", "aic", "equal")
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
            projection(mine, ax=ax).set_ylabel(say("public_curves.retained") if i % n_columns == 0 else "")
            ax.set_title(say("public_curves.panel", segment=segment, window=window), loc="left", fontsize=7.5)
        _name_marks(axes[0])
    return [
        heading(say("public_curves.heading"), level),
        paragraph(_what(verdicts)),
        paragraph(_averages(verdicts)),
        paragraph(_single(verdicts)),
        picture("study-public-curves", drawing.svg(axes[0]), _alt(verdicts), say("public_curves.figure")),
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
        drawing.label_axes(axes, say("public_curves.time"), say("public_curves.retained"))
        return axes


def _from_start(rows: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Years and shares in per cent, the start put before them."""
    return np.r_[0, rows["year"].to_numpy(int)], np.r_[100.0, 100 * rows[column].to_numpy(float)]


def _name_marks(ax: Axes) -> None:
    figure = ax.get_figure(root=True)
    for style, name in (
        ({"marker": "o", "ms": 3.4, "lw": 0, "color": drawing.INK}, "fitted"),
        ({"marker": "o", "ms": 3.4, "lw": 0, "mfc": "white", "mec": drawing.INK}, "later"),
        ({"lw": 0.5, "color": drawing.GREY}, "family"),
        ({"lw": 1.5, "color": _AVERAGE}, "aic"),
        ({"lw": 0.8, "ls": (0, (1, 1.5)), "color": _AVERAGE}, "equal"),
        ({"lw": 1.3, "ls": (0, (4, 2)), "color": _PLAIN}, "constant"),
    ):  # fmt: skip
        ax.plot([], [], label=say(f"public_curves.mark_{name}"), **style)
    if figure is not None:
        figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)


def _what(verdicts: Sequence[dict[Any, Any]]) -> str:
    segments = list(dict.fromkeys(row["segment"] for row in verdicts))
    windows = sorted({row["fitted_to"] for row in verdicts})
    return say(
        "public_curves.what",
        year=verdicts[0]["year"],
        segments=len(segments),
        windows=[say("public_curves.window", window=window) for window in windows],
        customers=customers(verdicts[0]["customers"]),
    )


def _averages(verdicts: Sequence[dict[Any, Any]]) -> str:
    judged = sum(row["years_judged"] for row in verdicts)
    covered = sum(row["years_held"] for row in verdicts)
    narrower = sum(row["years_narrower"] for row in verdicts)
    aic, equal = (float(np.mean([row[f"width_{name}"] for row in verdicts])) for name in ("aic", "equal"))
    panels = sum(row["width_aic"] < row["width_equal"] for row in verdicts)
    return say(
        "public_curves.averages",
        since=verdicts[0]["judged_from"],
        covered=covered,
        all=judged,
        narrower=narrower,
        panels=panels,
        n=len(verdicts),
        aic=_points(aic),
        equal=_points(equal),
    )


def _single(verdicts: Sequence[dict[Any, Any]]) -> str:
    longest = max(row["fitted_to"] for row in verdicts)
    late, early = (
        [row for row in verdicts if (row["fitted_to"] == longest) is long] for long in (True, False)
    )
    text = say("public_curves.single", window=longest, year=late[0]["year"], errors=_errors(late))
    if early:
        text = say(
            "public_curves.single_both",
            window=longest,
            year=late[0]["year"],
            errors=_errors(late),
            shorter=early[0]["fitted_to"],
            shorter_errors=_errors(early),
        )
    shares = [
        say(
            "public_curves.constant_of",
            projected=row["constant"],
            observed=row["actual"],
            segment=row["segment"],
        )
        for row in late
    ]
    return f"{text} {say('public_curves.constant', shares=shares)}"


def _errors(rows: Sequence[dict[Any, Any]]) -> list[str]:
    """Write the relative error of the shifted-beta-geometric in each segment."""
    return [
        say("public_curves.error", error=row["sbg"] / row["actual"] - 1, segment=row["segment"])
        for row in rows
    ]


def _table(verdicts: Sequence[dict[Any, Any]]) -> Block:
    cells = [
        [
            say("public_curves.row", segment=row["segment"], window=row["fitted_to"]),
            _points(row["actual"]),
            _points(row["constant"]),
            *(_with_ends(row, name) for name in ("sbg", "aic", "equal")),
            say("public_curves.covered", covered=row["years_held"], all=row["years_judged"]),
        ]
        for row in verdicts
    ]
    year = verdicts[0]["year"]
    header = [
        *(say(f"public_curves.column_{name}") for name in _COLUMNS),
        say("public_curves.years_covered", since=verdicts[0]["judged_from"], year=year),
    ]
    families = [str(n) for n in sorted({row["n_families"] for row in verdicts})]
    notes, caption = [say("public_curves.note", families=families)], say("public_curves.caption", year=year)
    return table(caption, header, cells, notes=notes, shares=_SHARES)


def _alt(verdicts: Sequence[dict[Any, Any]]) -> str:
    said = "; ".join(
        say(
            "public_curves.figure_value",
            segment=row["segment"],
            window=row["fitted_to"],
            observed=row["actual"],
            average=_with_ends(row, "aic"),
            constant=row["constant"],
        )
        for row in verdicts
    )
    return say("public_curves.figure_alt", year=verdicts[0]["year"], values=said)


def _with_ends(row: dict[Any, Any], name: str) -> str:
    low, high = (_points(row[f"{name}{end}"]) for end in ("_low", "_high"))
    return f"{_points(row[name])} [{low},{FIRM}{high}]"


def _points(share: float) -> str:
    return decimal(100 * share, 1)
