"""Does the bound of a benchmarked confounder hold the truth, where a confounder no stronger was left out?"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import has_spend, spells_of
from cxlink.estimands.headline import headline_of
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.sensitivity.confounding_rows import confounding_rows
from cxlink.study.replications import added, summary, tally
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, shown
from validation.process import Cell, CellTables, Proof, labelled
from validation.sensitivity.hidden_law import drawn_counts, hidden_laws, strengths, truths

SEED = 20261129
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 400, 50
LEAST = 0.92
"""Of the cohorts that a bound must hold the truth in, where the hidden variable is no stronger than the benchmark."""
BOUND = "confounded=need"
"""Scenario of the interval from the lowest limit to the highest; the headline's own has none."""
Row = dict[str, object]


def cells() -> list[Cell]:
    """Every law at each size."""
    return [
        Cell(
            {"process": name, "customers": n}, (SEED, at, n), COHORTS, BLOCK, partial(tallied, name, n), added
        )
        for at, name in enumerate(hidden_laws())
        for n in SIZES
    ]


def tallied(name: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally the headline differences and their bounds against the truth."""
    return tally(row for _ in range(cohorts) for row in replicated(name, customers, rng))


def replicated(name: str, customers: int, rng: np.random.Generator) -> Iterator[Row]:
    """Rows of one cohort: the headline's difference, and the interval between its bounds, each with the truth."""
    law = hidden_laws()[name]
    counts = drawn_counts(law, customers, rng)
    spells, spec, known = spells_of(counts), counts.spec, truths(law, counts)
    curve = standardised(spells, spec, reaches(spells, spec.horizon))
    means = standardised(spells, spec, has_spend(spells))
    if curve is None or means is None:
        raise ValueError(f"{name}: nothing to standardise over")
    curve = replace(curve, times=np.array([0, spec.horizon]))
    rows, _ = headline_of(spells, counts, [curve], [means], rng)
    bounds, _ = confounding_rows(rows, spells, counts)
    for estimand, truth in known.items():
        (main,) = (
            row for row in rows
            if (row["estimand"], row["group"], row["adjusted"]) == (estimand, "best", "standardised")
        )  # fmt: skip
        low, high = (
            next(
                row for row in bounds if (row["estimand"], row.get("scenario")) == (estimand, f"{kind}=need")
            )
            for kind in ("confounded_low", "confounded_high")
        )
        yield {**main, "truth": truth}
        ends = {"conf_low": low["conf_low"], "conf_high": high["conf_high"]}
        yield {**main, **ends, "scenario": BOUND, "truth": truth}


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage: ``process, customers``, then as `replications.summary` gives it."""
    return labelled([(cell, summary(sums, cell.cohorts)) for cell, sums in tables])


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge the bounds at each size, over the laws whose hidden variable is no stronger than the benchmark."""
    judged = [name for name, law in hidden_laws().items() if law.judged]
    bounds = table[(table["scenario"] == BOUND) & table["process"].isin(judged)]
    for (estimand, customers), rows in bounds.groupby(["estimand", "customers"], sort=False):
        fails = rows[rows["coverage"] < LEAST]
        text = f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}"
        text += f" (fails: {', '.join(fails['process'])})" if len(fails) else ""
        rule = f"{estimand}, {customers:,} customers: the bound holds the truth in {LEAST:.0%} or more"
        yield Verdict(rule, text, fails.empty)


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    return Page("confounding", list(_lines(table)), {"confounding": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].max())
    yield "# How often the bound of a benchmarked confounder holds the truth\n"
    yield (
        f"{made_by()}: {made:,} cohorts a cell, drawn as counts. Score, retention and spend follow need, which is "
        "adjusted for, and a variable that no column holds. The truth is the difference between best and worst if "
        "nothing were hidden, in the cohort's own mix. The bound is the interval from the lowest limit to the highest "
        "under a confounder as strong as need; the headline's own interval, without any allowance, is shown beside it. "
        f"The Monte Carlo error of a coverage of 95 % is {monte_carlo_error(0.95, made):.1%}."
    )
    yield "\n## The laws\n"
    for law in hidden_laws().values():
        found = strengths(law)
        of = [
            f"{name} explains {outcome:.1%} of retention's remaining variance and raises the weights' mean square by "
            f"{score:.1%}"
            for name, (outcome, score) in found.items()
        ]  # fmt: skip
        yield f"- `{law.name}`: {law.about}; {', '.join(of)}."
    yield from rules(verdicts(table))
    yield "\n## Every cell\n"
    columns = {
        "estimand": "{estimand}", "law": "{process}", "customers": "{customers:,}", "interval": "{scenario}",
        "truth": "{truth:.4g}", "coverage": "{coverage:.1%}", "below": "{below:.1%}", "above": "{above:.1%}",
        "mean error of the difference": "{bias:+.2g}", "mean width": "{width:.3g}",
    }  # fmt: skip
    named = table.assign(scenario=table["scenario"].replace({"": "headline", BOUND: "bound"}))
    yield from shown(named.sort_values(["estimand", "process", "customers", "scenario"]), columns)


CONFOUNDING = Proof(
    "confounding",
    "the bound of a confounder as strong as a recorded variable holds the truth where one no stronger was left out",
    cells,
    page,
)
