"""Is a fall called alarming where nothing ever changes, and is its effect held where one is planted?"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.estimands.model_rows.change_rows import contrast_results
from cxlink.groups.changed_scores import changed_scores
from cxlink.study.replications import added, summary, tally
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled
from validation.survey_laws import survey_laws

SEED = 20261130
SIZES = (3_000, 20_000)
COHORTS, BLOCK = 1_000, 50
USUAL, ERRORS, MOST_ALARMS = (0.92, 0.98), (0.90, 1.15), 0.05
"""Coverage that is wanted, mean standard error over the deviation, and cohorts called alarming where nothing is."""
AGAINST_ZERO = "alarming"
"""Estimand of the second contrast held against 0: intervals below it call a fall alarming."""


def cells() -> list[Cell]:
    """Every law at each size."""
    return [
        Cell(
            {"process": name, "customers": n}, (SEED, at, n), COHORTS, BLOCK, partial(tallied, name, n), added
        )
        for at, name in enumerate(survey_laws())
        for n in SIZES
    ]


def tallied(name: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally both contrasts of a fall, each by the model that leads."""
    law = survey_laws()[name]
    truths = law.contrasts()
    return tally(row for _ in range(cohorts) for row in _one(law.drawn(customers, rng), truths, rng))


def _one(counts: Any, truths: dict[str, float], rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    for compared in changed_scores(counts, ("fall",)):
        _, check = contrast_results(compared, rng)
        row = {
            "estimand": compared.scenario, "model": "leading", "group": "fell", "n": check.facts["surveys"],
            "estimate": check.value, "conf_low": check.low, "conf_high": check.high,
            "std_error": check.facts.get("std_error", np.nan),
        }  # fmt: skip
        yield row | {"truth": truths[compared.beside]}
        if compared.beside == "present":
            yield row | {"estimand": AGAINST_ZERO, "truth": 0.0}


def results(tables: CellTables) -> pd.DataFrame:
    """Give coverage, and the share of cohorts whose fall is called alarming: its interval lies below 0."""
    table = labelled([(cell, _of_cell(cell, sums)) for cell, sums in tables])
    return table.assign(
        errors=table["std_error"] / table["deviation"], alarms=table["alarmed"] / table["made"]
    )


def _of_cell(cell: Cell, sums: pd.DataFrame) -> pd.DataFrame:
    alarmed = sums[["estimand", "below"]].rename(columns={"below": "alarmed"})
    return summary(sums, cell.cohorts).merge(alarmed, on="estimand")


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    held, zero = table[table["estimand"] != AGAINST_ZERO], table[table["estimand"] == AGAINST_ZERO]
    for (name, estimand), rows in held.groupby(["process", "estimand"], sort=False):
        fine = rows["coverage"].between(*USUAL) & rows["errors"].between(*ERRORS)
        rule = (
            f"{name}, {estimand}: {USUAL[0]:.0%} to {USUAL[1]:.0%}, standard error over deviation .9 to 1.15"
        )
        text = (
            f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}; {rows['errors'].min():.2f} to "
            f"{rows['errors'].max():.2f}"
        )
        yield Verdict(rule, text, bool(fine.all()))
    calm = zero[zero["process"] != "planted"]
    for name, rows in calm.groupby("process", sort=False):
        rule = f"{name!s}: a fall is called alarming in at most {MOST_ALARMS:.0%} of the cohorts"
        yield Verdict(rule, f"{rows['alarms'].max():.1%}", bool((rows["alarms"] <= MOST_ALARMS).all()))


def page(tables: CellTables) -> Page:
    """Judge the contrasts of a fall."""
    table = results(tables)
    return Page("falling", list(_lines(table)), {"falling": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].min())
    yield "# Whether a falling score is called alarming\n"
    yield (
        f"{made_by()}: at least {made:,} cohorts a cell, drawn as counts: three waves four months apart, scores 1 to "
        f"5, surveys answered in 85 % of cases; 95 % intervals of retention four months on, by the leading model. The "
        f"Monte Carlo error of a coverage of 95 % is {monte_carlo_error(0.95, made):.1%}.{short_run(made, COHORTS)}"
    )
    yield "\n## The laws\n"
    for law in survey_laws().values():
        truths = law.contrasts()
        yield (
            f"- `{law.name}`: {law.about}. Those whose score fell, against those who stayed at the last one: "
            f"{100 * truths['last']:+.1f} points; at the present one: {100 * truths['present']:+.1f}."
        )
    yield from rules(verdicts(table))
    yield "\n## Every cell\n"
    columns = {
        "contrast": "{estimand}", "law": "{process}", "customers": "{customers:,}", "truth": "{truth:+.4f}",
        "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}", "standard error over deviation": "{errors:.2f}",
        "intervals below the truth": "{alarms:.1%}",
    }  # fmt: skip
    yield from shown(table.sort_values(["estimand", "process", "customers"]), columns)


FALLING = Proof(
    "falling",
    "a falling score is called alarming where its fall tells something, and not where nothing ever changes",
    cells,
    page,
)
