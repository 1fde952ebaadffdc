"""Do contrasts and trends of touchpoints hold what they say? Two touchpoints of which one acts, three sizes."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.journey_counts import JourneyCounts
from cxlink.metrics.journey.journey_changes import trends
from cxlink.metrics.journey.journey_contrasts import contrasts_of_journey
from cxlink.study.replications import added, summary, tally
from validation.journey_law import DRIFT, SLOPE, journey_law, spec_of_contacts
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled

SEED = 20261130
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 1_000, 50
USUAL, ERRORS = (0.92, 0.98), (0.90, 1.15)
FALSE = 0.05
"""Largest share of cohorts in which a touchpoint that does not change is said to, with 2 points for chance."""
_Z = 1.959963984540054
Row = dict[str, Any]


def cells() -> list[Cell]:
    """Give the law at each size."""
    return [
        Cell(
            {"process": "one_touchpoint", "customers": n},
            (SEED, n),
            COHORTS,
            BLOCK,
            partial(tallied, n),
            added,
        )
        for n in SIZES
    ]


def tallied(customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and tally the estimates of each."""
    law = journey_law()
    return tally(row for _ in range(cohorts) for row in replicated(law.drawn(customers, rng)))


def replicated(journey: JourneyCounts) -> Iterator[Row]:
    """Rows of one cohort beside the truth."""
    truth = journey_law().contrasts()
    for one in contrasts_of_journey(journey, spec_of_contacts()):
        if one.how == "partial":
            found = one.contrast
            yield _row(
                "retention contrast", found.name, truth[found.name], found.estimate, found.std_error
            ) | {"n": found.n}
    slopes = {"phone": 0.0, "web": DRIFT}
    for trend in trends(journey.contacts, 1):
        yield _row("trend", trend.touchpoint, slopes[trend.touchpoint], trend.slope, trend.std_error) | {
            "n": trend.n
        }
        said = float(trend.p_value < FALSE)
        yield _row("change said", trend.touchpoint, 0.0, said, 0.0) | {"n": trend.n}


def _row(estimand: str, group: str, truth: float, estimate: float, error: float) -> Row:
    return {
        "estimand": estimand, "model": "journey", "group": group, "truth": truth, "estimate": estimate,
        "std_error": error, "conf_low": estimate - _Z * error, "conf_high": estimate + _Z * error,
    }  # fmt: skip


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every quantity, with ``errors``: mean standard error over the deviation of the estimates."""
    table = labelled([(cell, summary(sums, cell.cohorts)) for cell, sums in tables])
    return table.assign(errors=table["std_error"] / table["deviation"].where(table["deviation"] > 0))


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    for customers in sorted(set(table["customers"])):
        at = table[table["customers"] == customers]
        for estimand in ("retention contrast", "trend"):
            rows = at[at["estimand"] == estimand]
            held = rows["coverage"].between(*USUAL) & rows["errors"].between(*ERRORS)
            rule = f"{estimand} of either touchpoint, {customers:,} customers: {USUAL[0]:.0%} to {USUAL[1]:.0%}, "
            rule += f"standard error over deviation {ERRORS[0]} to {ERRORS[1]}"
            found = f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}; {rows['errors'].min():.2f} to "
            yield Verdict(rule, f"{found}{rows['errors'].max():.2f}", bool(len(rows) and held.all()))
        share = at[(at["estimand"] == "change said") & (at["group"] == "phone")]["bias"].max()
        rule = f"a touchpoint that does not change is said to in {FALSE + 0.02:.0%} of cohorts of {customers:,} at most"
        yield Verdict(rule, f"{share:.1%}", bool(share <= FALSE + 0.02))


def page(tables: CellTables) -> Page:
    """Judge what was found."""
    table = coverage(tables)
    return Page("journey", list(_lines(table)), {"journey": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].max())
    yield "# Whether contrasts and trends of touchpoints hold what they say\n"
    yield (
        f"{made_by()}: {made:,} cohorts a size, drawn as counts; 95 % intervals. The Monte Carlo error of a coverage "
        f"of 95 % is {monte_carlo_error(0.95, made):.1%}.{short_run(made, COHORTS)}"
    )
    yield (
        "\nHalf of the customers were on the phone, four fifths on the web, and their scores there go together. "
        f"Retention depends on the plan and on the score of the web ({SLOPE} log-odds a point), not on that of the "
        f"phone. On the web the mean score improves by {DRIFT} points a quarter over eight quarters, on the phone it "
        "does not change. "
        "Everybody is followed to the horizon, and the model of the contrasts holds in this law."
    )
    yield from rules(verdicts(table))
    yield "\n## Every quantity\n"
    columns = {
        "quantity": "{estimand}", "touchpoint": "{group}", "customers": "{customers:,}", "truth": "{truth:.4g}",
        "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}", "standard error over deviation": "{errors:.2f}",
    }  # fmt: skip
    yield from shown(table[table["estimand"] != "change said"], columns)
    yield "\n## How often a change is said\n"
    claims = table[table["estimand"] == "change said"].assign(share=lambda t: t["bias"])
    yield from shown(
        claims, {"touchpoint": "{group}", "customers": "{customers:,}", "share of cohorts": "{share:.1%}"}
    )


JOURNEY = Proof("journey", "contrasts and trends of touchpoints hold their truth", cells, page)
