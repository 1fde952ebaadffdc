"""The study's third chart: how many years follow from the share retained after one, assumption by assumption."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.document import Block, heading, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.third_chart_figure import (
    ASSUMPTION,
    BANDS,
    HETEROGENEOUS,
    Printed,
    assumption_name,
    by_family,
    by_heterogeneity,
    retained,
)
from cxlink.report.format import capital, decimal, percent, score
from cxlink.report.words import say
from cxlink.results import Reproduced

_EXAMPLE = 0.1  # of φ, to explain it
_SHARES = (2.6, 1.2, 0.9, 0.9, 0.9, 1.7, 1)


def third_chart_section(study: Reproduced, printed: Printed, spec: CohortSpec, level: int) -> list[Block]:
    """Show what one year of retention means in years, and what must hold for the published ones.

    Parameters
    ----------
    study : Reproduced
        Its ``third_chart`` and ``six_years``.
    printed : Printed
        What the study printed.
    spec : CohortSpec
        What ``worst`` and ``best`` are.
    level : int
        Of the heading.
    """
    years, six = study.third_chart, study.six_years
    best = retained(years, "best")
    with drawing.sheet((6.3, 3.3), 1, 2) as (left, right):
        by_heterogeneity(years, printed, spec, ax=left)
        by_family(years, ax=right)
    return [
        heading(say("third_chart.heading"), level),
        paragraph(_opening(years, printed, spec)),
        paragraph(_range(years, spec)),
        paragraph(_six(six, best, printed, spec)),
        picture("study-third-chart", drawing.svg(left), _alt(years, spec), say("third_chart.figure")),
        _table(years, six, printed, spec),
    ]


def _opening(years: pd.DataFrame, printed: Printed, spec: CohortSpec) -> str:
    best = retained(years, "best")
    return say(
        "third_chart.opening",
        worst_words=printed.words["worst"],
        best_words=printed.words["best"],
        worst_kept=retained(years, "worst"),
        worst=score("worst", spec),
        best_kept=best,
        best=score("best", spec),
        phi=_EXAMPLE,
        best_lost=1 - best,
        lost_next=(1 - _EXAMPLE) * (1 - best),
    )


def _range(years: pd.DataFrame, spec: CohortSpec) -> str:
    finite = years[np.isfinite(years["years"])]
    low, high = (finite.groupby("group")["years"].agg(how) for how in ("min", "max"))
    rising = years[(years["model"] == HETEROGENEOUS) & (years["group"] == "best")].sort_values(
        "heterogeneity"
    )
    picked = rising.iloc[[0, len(rising) // 2, -1]]
    along = [
        say("third_chart.along", years=_years(row["years"]), phi=row["heterogeneity"])
        for row in picked.to_dict("records")
    ]
    endless = years[np.isinf(years["years"])].drop_duplicates("model")["model"]
    never = [assumption_name(model) for model in endless]
    text = say(
        "third_chart.range",
        worst=score("worst", spec),
        worst_low=_years(low["worst"]),
        worst_high=_years(high["worst"]),
        best=score("best", spec),
        best_low=_years(low["best"]),
        best_high=_years(high["best"]),
        along=along,
    )
    if never:
        text += f" {say('third_chart.endless', models=never)}"
    return text


def _six(six: pd.DataFrame, best: float, printed: Printed, spec: CohortSpec) -> str:
    met = six.dropna(subset="second_year_of_best").sort_values("second_year_of_best")
    wanted = decimal(printed.years["best"], 0)
    if met.empty:
        return say("third_chart.none", wanted=wanted)
    first, last = met.iloc[0].to_dict(), met.iloc[-1].to_dict()
    own = met[met["model"] == HETEROGENEOUS]
    text = [
        say(
            "third_chart.needed",
            wanted=wanted,
            best=score("best", spec),
            low=first["second_year_of_best"],
            first=assumption_name(*(first[name] for name in ASSUMPTION)),
            high=last["second_year_of_best"],
            last=assumption_name(*(last[name] for name in ASSUMPTION)),
            kept=best,
        )
    ]
    for row in own.head(1).to_dict("records"):
        kept, phi, years = row["second_year_of_best"], row["heterogeneity"], _years(row["years_of_worst"])
        worst = score("worst", spec)
        text.append(say("third_chart.needed_heterogeneous", kept=kept, phi=phi, worst=worst, years=years))
    return " ".join([*text, say("third_chart.choice", wanted=wanted)])


def _table(years: pd.DataFrame, six: pd.DataFrame, printed: Printed, spec: CohortSpec) -> Block:
    every = np.sort(years["heterogeneity"].unique())
    picked = every[[0, len(every) // 2, -1]]
    known = years.set_index([*ASSUMPTION, "group", "heterogeneity"])["years"].to_dict()
    cells = []
    for row in six.to_dict("records"):
        key = tuple(row[name] for name in ASSUMPTION)
        needed = {"best": percent(row["second_year_of_best"], 1), "worst": ""}
        for group, name in zip(BANDS, (capital(assumption_name(*key)), ""), strict=True):
            shown = [_years(known.get((*key, group, phi), math.nan)) for phi in picked]
            cells.append([
                name, capital(score(group, spec)), *shown, needed[group], _years(row[f"years_of_{group}"])
            ])  # fmt: skip
    header = [
        say("third_chart.assumption_axis"),
        say("third_chart.group"),
        *(say("third_chart.phi", phi=float(phi)) for phi in picked),
        say("third_chart.second_year"),
        say("third_chart.years_then"),
    ]
    wanted = decimal(printed.years["best"], 0)
    notes = [
        say("third_chart.note_needed", best=score("best", spec), wanted=wanted),
        say("third_chart.note_shape"),
    ]
    caption = say("third_chart.caption")
    rules = range(2, len(cells), 2)
    return table(caption, header, cells, notes=notes, rules=rules, texts=(0, 1), shares=_SHARES)


def _alt(years: pd.DataFrame, spec: CohortSpec) -> str:
    lowest = years["heterogeneity"].min()
    said = []
    for _, rows in years.dropna(subset="years").groupby(ASSUMPTION, sort=False):
        bands = [
            say(
                "third_chart.figure_range",
                group=score(group, spec),
                low=_years(own.min()),
                high=_years(own.max()),
            )
            for group in BANDS
            if len(own := rows.loc[rows["group"] == group, "years"])
        ]
        name = assumption_name(*rows[ASSUMPTION].iloc[0])
        said.append(say("third_chart.figure_value", assumption=name, ranges=", ".join(bands)))
    return say("third_chart.figure_alt", phi=lowest, values="; ".join(said))


def _years(value: Any) -> str:
    return decimal(value, 0 if math.isfinite(value) and value >= 100 else 1)


def printed_membership(rows: Sequence[Any]) -> Printed:
    """Take what was printed of further membership from the study's compared rows."""
    return Printed(
        {row.group: row.published for row in rows},
        {row.group: row.published_wording or decimal(row.published, 0) for row in rows},
    )
