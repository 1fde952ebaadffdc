"""Does the comparison of several scores hold what it says? One true driver among three scores, three sizes."""

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.metrics.drivers.driver_rows import Drivers, drivers_of
from cxlink.study.replications import added, summary, tally
from validation.driver_law import CORRELATION, HAZARD_RATIO, LEVELS, driver_law, spec_of_scores
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled

SEED = 20261129
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 1_000, 50
LARGE = 10_000_000
"""Customers of whom the limits are taken."""
USUAL, ERRORS = (0.92, 0.98), (0.90, 1.15)
FIRST, CLAIMED, SHARE_OFF = 0.95, 0.05, 0.03
"""Least share of cohorts of 20,000 in which the driver is first, largest in which another is claimed, shares' error."""
DRIVER = next(iter(LEVELS))
OUTCOMES = ("retention", "spend")
Row = dict[str, Any]


def cells() -> list[Cell]:
    """Give the law at each size."""
    return [
        Cell({"process": "one_driver", "customers": n}, (SEED, n), COHORTS, BLOCK, partial(tallied, n), added)
        for n in SIZES
    ]


@cache
def limits() -> pd.Series:
    """Estimates of ten million customers with the expected number in each cell; a null's contrast is 0."""
    found = drivers_of(driver_law().expected(LARGE), np.random.default_rng(SEED))
    frame = driver_frame(found.table, spec_of_scores()).set_index(["outcome", "quantity", "score"])[
        "estimate"
    ]
    frame = frame.copy()
    for key in frame.index:
        if key[1] == "contrast" and key[2] != DRIVER:
            frame[key] = 0.0
    return frame


def tallied(customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and tally what the comparison says of them."""
    law = driver_law()
    return tally(
        row for _ in range(cohorts) for row in replicated(drivers_of(law.drawn(customers, rng), rng))
    )


def replicated(found: Drivers) -> Iterator[Row]:
    """Rows of one cohort beside their limits, and whether the driver is first, and another claimed to be."""
    truth = limits()
    frame = driver_frame(found.table, spec_of_scores())
    kept = frame[frame["quantity"].isin(["contrast", "shapley", "share", "beyond", "alone", "whole"])]
    for row in kept.to_dict("records"):
        key = (row["outcome"], row["quantity"], row["score"])
        estimate = {name: row[name] for name in ("n", "estimate", "std_error", "conf_low", "conf_high")}
        yield {
            "estimand": f"{row['outcome']} {row['quantity']}", "model": "drivers", "group": row["score"],
            "truth": truth[key], **estimate,
        }  # fmt: skip
    for check in found.checks:
        if check.code == "driver_first":
            other = check.facts["score"] != DRIVER
            said = {"other first": other, "other claimed": other and check.facts["case"] == "claimed"}
            said["driver claimed"] = not other and check.facts["case"] == "claimed"
            for name, holds in said.items():
                value = float(holds)
                yield {
                    "estimand": f"{check.facts['outcome']} {name}", "model": "drivers", "group": "", "n": 0,
                    "truth": 0.0, "estimate": value, "std_error": 0.0, "conf_low": value, "conf_high": value,
                }  # fmt: skip


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every quantity, with ``errors``: mean standard error over the deviation of the estimates."""
    table = labelled([(cell, summary(sums, cell.cohorts)) for cell, sums in tables])
    return table.assign(errors=table["std_error"] / table["deviation"].where(table["deviation"] > 0))


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    for customers in sorted(set(table["customers"])):
        at = table[table["customers"] == customers]
        contrasts = at[at["estimand"].str.endswith("contrast")]
        for name, rows in (
            ("contrasts of scores that act on nothing hold 0", contrasts[contrasts["group"] != DRIVER]),
            ("the driver's contrasts hold their limit", contrasts[contrasts["group"] == DRIVER]),
        ):
            yield _covered(name, customers, rows)
    for outcome in OUTCOMES:
        yield from _claims(table, outcome)


def _covered(name: str, customers: int, rows: pd.DataFrame) -> Verdict:
    held = rows["coverage"].between(*USUAL) & rows["errors"].between(*ERRORS)
    rule = (
        f"{name}, {customers:,} customers: {USUAL[0]:.0%} to {USUAL[1]:.0%}, standard error over deviation "
    )
    rule += f"{ERRORS[0]} to {ERRORS[1]}"
    found = f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}; {rows['errors'].min():.2f} to "
    return Verdict(rule, f"{found}{rows['errors'].max():.2f}", bool(len(rows) and held.all()))


def _claims(table: pd.DataFrame, outcome: str) -> Iterator[Verdict]:
    """What is said of which score tells most, and whether Shapley shares are right on average."""
    by = table.set_index(["estimand", "customers", "group"])["bias"]
    first = 1 - by.get((f"{outcome} other first", 20_000, ""), np.nan)
    rule = f"{outcome}: the driver has the largest Shapley value in {FIRST:.0%} of cohorts of 20,000 at least"
    yield Verdict(rule, f"{first:.1%}", bool(first >= FIRST))
    for customers in sorted(set(table["customers"])):
        share = by.get((f"{outcome} other claimed", customers, ""), np.nan)
        rule = f"{outcome}: another score is claimed to tell most in {CLAIMED:.0%} of cohorts of {customers:,} at most"
        yield Verdict(rule, f"{share:.1%}", bool(share <= CLAIMED))
    off = table[(table["estimand"] == f"{outcome} share") & (table["customers"] >= 20_000)]["bias"].abs()
    rule = (
        f"{outcome}: mean Shapley shares within {SHARE_OFF} of those of ten million, from 20,000 customers on"
    )
    yield Verdict(rule, f"{off.max():.3f}", bool(len(off) and off.max() <= SHARE_OFF))
    rows = table[(table["estimand"] == f"{outcome} shapley") & (table["customers"] == SIZES[-1])]
    yield _covered(f"{outcome}: Shapley values hold those of ten million", SIZES[-1], rows)


def page(tables: CellTables) -> Page:
    """Judge what was found."""
    table = coverage(tables)
    return Page("drivers", list(_lines(table)), {"drivers": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].max())
    yield "# Whether the comparison of several scores holds what it says\n"
    yield (
        f"{made_by()}: {made:,} cohorts a size, drawn as counts; 95 % intervals. The Monte Carlo error of a coverage "
        f"of 95 % is {monte_carlo_error(0.95, made):.1%}.{short_run(made, COHORTS)}"
    )
    yield (
        f"\nThree scores of 10, 5 and 7 levels are cut from normal ones with correlation {CORRELATION}. The level of "
        f"the first acts on the monthly hazard of loss ({HAZARD_RATIO} a standard deviation) and on spend, the "
        "others on nothing. A quarter of the customers of one plan and half of those of the other are censored "
        "before the horizon."
    )
    shares = limits()
    for outcome in OUTCOMES:
        values = ", ".join(f"{name} {shares[outcome, 'share', name]:.3f}" for name in LEVELS)
        yield f"\nShapley shares of {outcome} among ten million customers: {values}."
    yield from rules(verdicts(table))
    yield (
        "\nA gain is of models fitted to four fifths of such a cohort (of spend: to all but one customer), which "
        "predict less well than those of ten million: of fewer customers its interval is not one for the limit, but "
        "for [what models of so many customers gain](gains.md)."
    )
    yield "\n## Every quantity\n"
    columns = {
        "quantity": "{estimand}", "score": "{group}", "customers": "{customers:,}", "limit": "{truth:.4g}",
        "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}", "standard error over deviation": "{errors:.2f}",
    }  # fmt: skip
    judged = table[~table["estimand"].str.contains("first|claimed")]
    yield from shown(judged, columns)
    yield "\n## What was said\n"
    claims = table[table["estimand"].str.contains("first|claimed")].assign(share=lambda t: t["bias"])
    yield from shown(
        claims, {"said": "{estimand}", "customers": "{customers:,}", "share of cohorts": "{share:.1%}"}
    )


DRIVERS = Proof(
    "drivers",
    "what is said of several scores is so: contrasts, Shapley values, which tells most",
    cells,
    page,
)
