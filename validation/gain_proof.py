"""Do intervals of gains hold what models of so many customers gain, and is “adds nothing” said of the true driver?"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.metrics.drivers.driver_rows import Drivers, drivers_of
from cxlink.study.replications import added, summary, tally
from validation.driver_law import LEVELS, driver_law, spec_of_scores
from validation.driver_proof import DRIVER, OUTCOMES
from validation.judge import Verdict, monte_carlo_error
from validation.own_size_gains import FURTHER, gains_of
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled

SEED = 20261203
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 400, 50
USUAL, ERRORS = (0.92, 0.98), (0.90, 1.15)
FALSE, TRUE = 0.05, 0.95
"""Largest share of cohorts in which the driver is said to add nothing, least in which the others of a million are."""
KINDS = ("whole", "alone", "beyond", "shapley")
SAID = "said to add nothing"
Row = dict[str, Any]


def cells() -> list[Cell]:
    """Give the law at each size."""
    return [
        Cell({"process": "one_driver", "customers": n}, (SEED, n), COHORTS, BLOCK, partial(tallied, n), added)
        for n in SIZES
    ]


def tallied(customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and tally their gains and of which scores it is said that they add nothing."""
    law = driver_law()
    return tally(
        row
        for _ in range(cohorts)
        for row in replicated(drivers_of(law.drawn(customers, rng), rng), customers)
    )


def replicated(found: Drivers, customers: int) -> Iterator[Row]:
    """Rows of one cohort beside what models of so many customers gain, and what is said of each score."""
    truth = gains_of(customers)
    frame = driver_frame(found.table, spec_of_scores())
    for row in frame[frame["quantity"].isin(KINDS)].to_dict("records"):
        estimate = {name: row[name] for name in ("n", "estimate", "std_error", "conf_low", "conf_high")}
        yield {
            "estimand": f"{row['outcome']} {row['quantity']}", "model": "drivers", "group": row["score"],
            "truth": truth[row["outcome"], row["quantity"], row["score"]][0], **estimate,
        }  # fmt: skip
    said = {
        (one.facts["outcome"], one.facts["score"])
        for one in found.checks
        if one.code == "driver_adds_nothing"
    }
    for outcome in OUTCOMES:
        for name in LEVELS:
            value = float((outcome, name) in said)
            yield {
                "estimand": f"{outcome} {SAID}", "model": "drivers", "group": name, "n": 0, "truth": 0.0,
                "estimate": value, "std_error": 0.0, "conf_low": value, "conf_high": value,
            }  # fmt: skip


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every gain, with ``errors``: mean standard error over the deviation of the estimates."""
    table = labelled([(cell, summary(sums, cell.cohorts)) for cell, sums in tables])
    return table.assign(errors=table["std_error"] / table["deviation"].where(table["deviation"] > 0))


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    for customers in sorted(set(table["customers"])):
        at = table[table["customers"] == customers]
        for outcome in OUTCOMES:
            for kind in KINDS:
                rows = at[at["estimand"] == f"{outcome} {kind}"]
                yield from _covered(f"{outcome}, {kind}, {customers:,} customers", rows)
        yield from _claims(at, customers)


def _covered(where: str, rows: pd.DataFrame) -> Iterator[Verdict]:
    """Whether gains hold, and whether standard errors are as large as estimates vary."""
    for what, column, (low, high), form in (
        ("held", "coverage", USUAL, "{:.1%}"), ("standard error over deviation", "errors", ERRORS, "{:.2f}"),
    ):  # fmt: skip
        inside = rows[column].between(low, high)
        fails = ", ".join(
            f"{row['group']} {form.format(row[column])}" for row in rows[~inside].to_dict("records")
        )
        found = f"{form.format(rows[column].min())} to {form.format(rows[column].max())}"
        limits = f"{form.format(low)} to {form.format(high)}"
        yield Verdict(
            f"{where}: {what}, {limits}", f"{found} (fails: {fails})" if fails else found,
            bool(len(rows) and inside.all()),
        )  # fmt: skip


def _claims(at: pd.DataFrame, customers: int) -> Iterator[Verdict]:
    said = at[at["estimand"].str.endswith(SAID)]
    own = said[said["group"] == DRIVER]["bias"]
    rule = f"the driver is {SAID} in {FALSE:.0%} of cohorts of {customers:,} at most"
    yield Verdict(rule, f"{own.max():.1%}", bool(own.max() <= FALSE))
    if customers == SIZES[-1]:
        others = said[said["group"] != DRIVER]["bias"]
        rule = f"each other score is {SAID} in {TRUE:.0%} of cohorts of {customers:,} at least"
        yield Verdict(rule, f"{others.min():.1%}", bool(others.min() >= TRUE))


def page(tables: CellTables) -> Page:
    """Judge what was found."""
    table = coverage(tables)
    return Page("gains", list(_lines(table)), {"gains": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].max())
    yield "# Whether gains of several scores are what models of so many customers gain\n"
    yield (
        f"{made_by()}: {made:,} cohorts a size, drawn as counts from the law of [several scores](drivers.md), of which "
        "one acts; 95 % intervals. The truth of a gain out of sample is at the cohort's own size: the mean, over "
        f"{FURTHER} further cohorts, of what models fitted to as many customers as the cohort's own models (four "
        "fifths of retention's, all but one of spend's) gain among ten million others, by plain sums. The Monte Carlo "
        f"error of a coverage of 95 % is {monte_carlo_error(0.95, made):.1%}.{short_run(made, COHORTS)}"
    )
    yield from rules(verdicts(table))
    yield (
        "\nWhere a score adds nothing, leaving out one customer at a time leaves nearly the same model for "
        "all: the gain "
        "of spend beyond the others is then a quadratic form of few coefficients, which varies less than "
        "the customers' "
        "own contributions to it, and standard errors are up to √2 times too large. Intervals that miss end "
        "below: such "
        "a form is skewed."
    )
    yield "\n## Every gain\n"
    columns = {
        "gain": "{estimand}", "score": "{group}", "customers": "{customers:,}", "truth": "{truth:.4g}",
        "coverage": "{coverage:.1%}", "below": "{below:.1%}", "above": "{above:.1%}", "mean error": "{bias:+.2g}",
        "standard error over deviation": "{errors:.2f}",
    }  # fmt: skip
    is_said = table["estimand"].str.endswith(SAID)
    yield from shown(table[~is_said], columns)
    yield "\n## Of which scores it is said that they add nothing\n"
    columns = {
        "of": "{estimand}",
        "score": "{group}",
        "customers": "{customers:,}",
        "share of cohorts": "{bias:.1%}",
    }
    yield from shown(table[is_said], columns)


GAIN_PROOF = Proof(
    "gains",
    "gains of several scores are what models of so many customers gain; what is said to add nothing does",
    cells,
    page,
)
