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
    BANDS,
    HETEROGENEOUS,
    Printed,
    assumption_name,
    by_family,
    by_heterogeneity,
    retained,
)
from cxlink.report.format import NONE, capital, decimal, listed, percent, score
from cxlink.results import Reproduced

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
        heading("The study’s third chart: from one year to many", level),
        paragraph(_opening(years, printed, spec)),
        paragraph(_spread(years, spec)),
        paragraph(_six(six, best, printed, spec)),
        picture("study-third-chart", drawing.svg(left), _alt(years, spec), _caption()),
        _table(years, six, printed, spec),
    ]


def _opening(years: pd.DataFrame, printed: Printed, spec: CohortSpec) -> str:
    best = retained(years, "best")
    some = 0.1
    return (
        f"The study’s third chart gave years: “{printed.words['worst']}” for the lowest score and "
        f"“{printed.words['best']}” for the highest. How they came from the shares retained after one year, the "
        "article does not say, and one year does not determine them: most of those years lie after the first, where "
        "nothing was printed. Whoever writes years has assumed how the loss goes on. The figure shows what follows "
        f"from each usual assumption. All of them keep {percent(retained(years, 'worst'))} of the customers with "
        f"{score('worst', spec)} and {percent(best)} of those with {score('best', spec)} after a year, as printed. One "
        "more number says how they go on, φ: the share by which the loss of the second year is smaller than that of "
        f"the first. At φ = {percent(some)} the second group, which lost {percent(1 - best)} of its customers in the "
        f"first year, loses {percent((1 - some) * (1 - best), 1)} of those left in the second. Losses fall so where "
        "customers differ: the doubtful ones leave early, and those who stay are more loyal. In the "
        "shifted-beta-geometric, which assumes just that and no more, φ measures how much they differ."
    )


def _spread(years: pd.DataFrame, spec: CohortSpec) -> str:
    finite = years[np.isfinite(years["years"])]
    low, high = (finite.groupby("group")["years"].agg(how) for how in ("min", "max"))
    rising = years[(years["model"] == HETEROGENEOUS) & (years["group"] == "best")].sort_values(
        "heterogeneity"
    )
    picked = rising.iloc[[0, len(rising) // 2, -1]]
    along = listed([
        f"{_years(row['years'])} years at φ = {percent(row['heterogeneity'])}"
        for row in picked.to_dict("records")
    ])  # fmt: skip
    endless = years[np.isinf(years["years"])].drop_duplicates("model")["model"]
    never = [assumption_name(model, "") for model in endless]
    text = (
        f"For {score('worst', spec)} it matters less: where the mean is finite, it lies between {_years(low['worst'])} "
        f"and {_years(high['worst'])} years, and “a little over a year” is near its low end. For {score('best', spec)} "
        f"it is decisive: from {_years(low['best'])} to {_years(high['best'])} years. Under "
        f"the shifted-beta-geometric alone it is {along}."
    )
    if never:
        text += (
            f" Under {listed(never)}, some values of φ have no finite mean at all: a part of the customers stays for "
            "good, or leaves too slowly for an average to exist."
        )
    return text


def _six(six: pd.DataFrame, best: float, printed: Printed, spec: CohortSpec) -> str:
    met = six.dropna(subset="second_year_of_best").sort_values("second_year_of_best")
    wanted = decimal(printed.years["best"], 0)
    if met.empty:
        return f"No assumption here gives {wanted} years."
    first, last = met.iloc[0].to_dict(), met.iloc[-1].to_dict()
    own = met[met["model"] == HETEROGENEOUS]
    text = (
        f"What must hold for {wanted} years? Of customers with {score('best', spec)} still there after a year, the "
        f"second year must keep {percent(first['second_year_of_best'], 1)} "
        f"({assumption_name(first['model'], first['fixed'])}) to {percent(last['second_year_of_best'], 1)} "
        f"({assumption_name(last['model'], last['fixed'])}), depending on the assumption; the first kept "
        f"{percent(best)}."
    )
    if len(own):
        row = own.iloc[0].to_dict()
        text += (
            f" Under the shifted-beta-geometric it is {percent(row['second_year_of_best'], 1)} (φ = "
            f"{percent(row['heterogeneity'], 1)}), and at the same φ customers with "
            f"{score('worst', spec)} stay {_years(row['years_of_worst'])} years."
        )
    return (
        f"{text} So the {wanted} years are not wrong; they are one choice among many, between which the published "
        "shares cannot decide. A second year of records would narrow the choice and not end it: curves that agree on "
        "both years still differ, as each column of the table below shows."
    )


def _table(years: pd.DataFrame, six: pd.DataFrame, printed: Printed, spec: CohortSpec) -> Block:
    every = np.sort(years["heterogeneity"].unique())
    picked = every[[0, len(every) // 2, -1]]
    known = years.set_index(["model", "fixed", "group", "heterogeneity"])["years"].to_dict()
    cells = []
    for row in six.to_dict("records"):
        key = (row["model"], row["fixed"])
        needed = {"best": percent(row["second_year_of_best"], 1), "worst": ""}
        for group, name in zip(BANDS, (capital(assumption_name(*key)), ""), strict=True):
            shown = [_years(known.get((*key, group, phi), math.nan)) for phi in picked]
            cells.append([
                name, capital(score(group, spec)), *shown, needed[group], _years(row[f"years_of_{group}"])
            ])  # fmt: skip
    header = [
        "Assumption", "Group", *(f"φ = {percent(float(phi))}" for phi in picked), "Second year must keep", "Years then",
    ]  # fmt: skip
    notes = [
        f"∞: no finite mean. {NONE}: no curve of this kind. The last two columns: the share of "
        f"{score('best', spec)} that the second year must keep for the {decimal(printed.years['best'], 0)} years that "
        "were printed, and the years of both groups at that φ.",
        "Shape: under 1, each customer’s own rate of loss falls over time, over 1 it rises. q: 1 is the Weibull, 0 the "
        "log-normal.",
    ]
    caption = "Years of further membership from the published share retained after a year, by assumption."
    rules = range(2, len(cells), 2)
    return table(caption, header, cells, notes=notes, rules=rules, texts=(0, 1), shares=_SHARES)


def _caption() -> str:
    return (
        "Mean further membership (log scale) that follows from the published retention after one year. Left: against "
        "φ, thick for the shifted-beta-geometric, thin for each other family, a dot for the constant rate. Right: the "
        "same by family; a dot stands at the lowest φ. Calculated, not observed."
    )


def _alt(years: pd.DataFrame, spec: CohortSpec) -> str:
    lowest = years["heterogeneity"].min()
    said = []
    for (model, fixed), rows in years.dropna(subset="years").groupby(["model", "fixed"], sort=False):
        bands = [
            f"{score(group, spec)} {_years(own.min())} to {_years(own.max())}"
            for group in BANDS
            if len(own := rows.loc[rows["group"] == group, "years"])
        ]
        said.append(f"{assumption_name(str(model), str(fixed))}: {', '.join(bands)}")
    return (
        f"Lines of years on a log scale, from φ = {percent(lowest)} up. Years by family: {'; '.join(said)}."
    )


def _years(value: Any) -> str:
    return decimal(value, 0 if math.isfinite(value) and value >= 100 else 1)


def printed_membership(rows: Sequence[Any]) -> Printed:
    """Take what was printed of further membership from the study's compared rows."""
    return Printed(
        {row.group: row.published for row in rows},
        {row.group: row.published_wording or decimal(row.published, 0) for row in rows},
    )
