"""Is a fall called alarming where nothing ever changes, and is its effect held where one is planted?"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.estimands.model_rows.answering_again import answering_again
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
SELECTIVE, FEWER = ("eager", "aggrieved"), 200
"""Laws whose customers answer again by the score too, and how many cohorts these, and `ANSWERING` alone, have."""
USUAL, ERRORS, MOST_ALARMS = (0.92, 0.98), (0.90, 1.15), 0.05
"""Coverage that is wanted, mean standard error over the deviation, and cohorts called alarming where nothing is."""
AGAINST_ZERO = "alarming"
"""Estimand of the second contrast held against 0: intervals below it call a fall alarming."""
CALLED = "called"
"""The same, with 0 in the interval wherever answering again differs by the score, as page one has it."""
ANSWERING, ANSWERS = "answering", "planted_answers"
"""Estimand of how much it differs, held against 0; and the law with a fall that acts, where it alone is looked at."""


def cells() -> list[Cell]:
    """Every law at each size; then whether answering again is taken to differ where a fall acts."""
    laws = list(survey_laws())
    every = [
        Cell(
            {"process": name, "customers": n}, (SEED, at, n), FEWER if name in SELECTIVE else COHORTS, BLOCK,
            partial(tallied, name, n), added,
        )
        for at, name in enumerate(laws)
        for n in SIZES
    ]  # fmt: skip
    planted = (
        Cell(
            {"process": ANSWERS, "customers": n}, (SEED, len(laws), n), FEWER, BLOCK,
            partial(answering, "planted", n), added,
        )
        for n in SIZES
    )  # fmt: skip
    return [*every, *planted]


def tallied(name: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally both contrasts of a fall, each by the model that leads."""
    law = survey_laws()[name]
    truths, drawn = law.contrasts(), (law.drawn(customers, rng) for _ in range(cohorts))
    return tally(row for counts in drawn for row in _one(counts, truths, rng, selective=name in SELECTIVE))


def answering(name: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally whether answering again is taken to differ by the score."""
    law = survey_laws()[name]
    return tally(row for _ in range(cohorts) for row in _answering(law.drawn(customers, rng)))


def _one(
    counts: Any, truths: dict[str, float], rng: np.random.Generator, *, selective: bool
) -> Iterator[dict[str, Any]]:
    answered = list(_answering(counts)) if selective else []
    yield from answered
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
            for one in answered:
                same = one["conf_low"] <= 0 <= one["conf_high"]
                high = check.high if same else max(check.high, 0.0)
                yield row | {"estimand": CALLED, "truth": 0.0, "conf_high": high}


def _answering(counts: Any) -> Iterator[dict[str, Any]]:
    found = answering_again(counts)
    if found is not None:
        yield {
            "estimand": ANSWERING, "group": "fell", "n": found.surveys, "estimate": (found.low + found.high) / 2,
            "conf_low": found.low, "conf_high": found.high, "truth": 0.0,
        }  # fmt: skip


def results(tables: CellTables) -> pd.DataFrame:
    """Give coverage, and the share of cohorts whose fall is called alarming: its interval lies below 0."""
    table = labelled([(cell, _of_cell(cell, sums)) for cell, sums in tables])
    return table.assign(
        errors=table["std_error"] / table["deviation"],
        alarms=table["alarmed"] / table["made"],
        seen=table["below"] + table["above"],
    )


def _of_cell(cell: Cell, sums: pd.DataFrame) -> pd.DataFrame:
    alarmed = sums[["estimand", "below"]].rename(columns={"below": "alarmed"})
    return summary(sums, cell.cohorts).merge(alarmed, on="estimand")


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    against = (AGAINST_ZERO, CALLED, ANSWERING)
    held = table[~table["estimand"].isin(against)]
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
    for estimand in against:
        of_one = table[table["estimand"] == estimand]
        for name, rows in of_one.groupby("process", sort=False):
            rule = _rule(str(name), estimand)
            share = rows["seen"] if estimand == ANSWERING else rows["alarms"]
            if rule:
                yield Verdict(rule, f"{share.max():.1%}", bool((share <= MOST_ALARMS).all()))


def _rule(name: str, estimand: str) -> str:
    """What at most one cohort in twenty may do; empty where nothing is asked."""
    most = f"in at most {MOST_ALARMS:.0%} of the cohorts"
    if estimand == ANSWERING:
        return f"planted: answering again is taken to differ by the score {most}" if name == ANSWERS else ""
    if name == "planted":
        return ""
    if name not in SELECTIVE:
        return f"{name}: a fall is called alarming {most}"
    if estimand == CALLED:
        return f"{name}: a fall is called alarming {most}, with what is seen of who answers again"
    return f"{name}: the interval of the second contrast lies below 0 {most}"


def page(tables: CellTables) -> Page:
    """Judge the contrasts of a fall."""
    table = results(tables)
    return Page("falling", list(_lines(table)), {"falling": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    fewer = table["process"].isin([*SELECTIVE, ANSWERS])
    asked = (
        (~fewer, COHORTS, "a cell"),
        (fewer, FEWER, "a cell of laws whose customers answer again by the score"),
    )
    made = [_made(table.loc[which, "made"], planned, of) for which, planned, of in asked if which.any()]
    yield "# Whether a falling score is called alarming\n"
    yield (
        f"{made_by()}, drawn as counts: three waves four months apart, scores 1 to 5, 85 % of surveys answered unless "
        "a law says otherwise; 95 % intervals of retention four months on, by the leading model. "
        + " ".join(made)
    )
    yield "\n## The laws\n"
    for law in survey_laws().values():
        truths = law.contrasts()
        yield (
            f"- `{law.name}`: {law.about}. Those whose score fell, against those who stayed at the last one: "
            f"{100 * truths['last']:+.1f} points; at the present one: {100 * truths['present']:+.1f}."
        )
    yield (
        "\n**What is not held.** Where customers answer again by their score *and* by what decides who is lost, those "
        "who fell to a score are others than those who stayed at it: the second contrast is below 0 and no fall acts. "
        "Its intervals contain that difference, and lie below 0 more often than one in twenty. Part of it can be seen: "
        "whether customers answered again as often after the scores that surveys fell to as after those they fell from "
        f"(`{ANSWERING}`). Where they did not, page one does not call a fall alarming (`{CALLED}`)."
    )
    yield from rules(verdicts(table))
    yield "\n## Every cell\n"
    columns = {
        "contrast": "{estimand}", "law": "{process}", "customers": "{customers:,}", "truth": "{truth:+.4f}",
        "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}", "standard error over deviation": "{ratio}",
        "intervals below the truth": "{alarms:.1%}",
    }  # fmt: skip
    ratio = table["errors"].map("{:.2f}".format).mask(table["estimand"] == ANSWERING, "")
    yield from shown(table.assign(ratio=ratio).sort_values(["estimand", "process", "customers"]), columns)


def _made(each: pd.Series, planned: int, of: str) -> str:
    made = int(each.min())
    error = monte_carlo_error(0.95, made)
    said = f"At least {made:,} cohorts {of}: the Monte Carlo error of a coverage of 95 % is {error:.1%}."
    return said + short_run(made, planned)


FALLING = Proof(
    "falling",
    "a falling score is called alarming where its fall tells something, and not where nothing ever changes",
    cells,
    page,
)
