"""Do intervals of customers in accounts hold their truth? Four laws, with clusters and without."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.estimands.spend_estimands import spend_rows
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.regressions import fit_poisson
from cxlink.spend.standardised_means import group_means, spend_question
from cxlink.study.replications import added, headline_rows, summary, tally
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, grouped_ph
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests
from validation.account_law import ICC, LARGE, account_laws, alone, drawn_counts, truths
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled

SEED = 20261129
USUAL, SMALL = 20_000, 1_500
EIGHT = 8 * LARGE
COHORTS, BLOCK = 1_000, 20
WITH, WITHOUT, ADDITIVE = "with", "without", "additive"
BAND, SMALL_BAND, ERRORS = (0.92, 0.98), (0.90, 0.99), (0.90, 1.15)
"""Coverage that is wanted, at 1,500 customers or fewer, and of mean standard error over the deviation."""
IGNORED = {"by_account": (0.82, 0.86), "inside": (0.92, 0.97)}
"""What is left of coverage where clusters are ignored: little is lost where customers of an account differ in score."""
FEWEST = 200
"""Customers of a group that is judged."""


def cells() -> list[Cell]:
    """Every law at its sizes: with clusters, two of them without, and the additive models where customers are few."""
    asked = [(name, USUAL, WITH) for name in ("by_account", "inside", "zipf")]
    asked += [(name, USUAL, WITHOUT) for name in IGNORED]
    asked += [("by_account", SMALL, ADDITIVE), ("inside", SMALL, ADDITIVE), ("eight", EIGHT, ADDITIVE)]
    laws, ways = list(account_laws()), (WITH, WITHOUT, ADDITIVE)
    return [
        Cell(
            {"process": name, "customers": n, "clusters": how}, (SEED, laws.index(name), n, ways.index(how)), COHORTS,
            BLOCK, partial(tallied, name, n, how), added,
        )
        for name, n, how in asked
    ]  # fmt: skip


def tallied(name: str, customers: int, how: str, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally what an analysis makes of them."""
    made = (replicated(name, customers, how, rng) for _ in range(cohorts))
    return tally(row for rows in made for row in rows)


def replicated(name: str, customers: int, how: str, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of one cohort, each with its ``truth``; those without an interval are left out."""
    counts = drawn_counts(account_laws()[name], customers, rng)
    counts = alone(counts) if how == WITHOUT else counts
    rows = additive_rows(counts, rng) if how == ADDITIVE else headline_rows(counts, rng)
    clustered, known = clustering(counts), truths(counts, observed=how != ADDITIVE)
    rows = clustered.rows(rows) if clustered is not None else rows
    keyed = [(row, (row["estimand"], row["group"], row.get("reference") or "")) for row in rows]
    return [
        {**row, "truth": known[key]}
        for row, key in keyed
        if key in known
        and row.get("adjusted") == "standardised"
        and not row.get("scenario")
        and np.isfinite(row["conf_low"])
    ]


def additive_rows(counts: Counts, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of the additive models as they hold a headline: errors by leaving out one bucket at a time."""
    spec, spells = counts.spec, spells_of(counts)
    fitted = grouped_ph(
        spells, spec, hazard_requests(spells, spec)[-1], spec.analysis.draws, rng, covariance="jackknife"
    )
    rows = survival_rows(fitted.curves, spec) if isinstance(fitted, GroupedPH) else []
    question = spend_question(counts, spells)
    fit = fit_poisson(question.cells, question.effect, by_jackknife=True)
    spend = spend_rows(group_means(fit, question, rng), spec) if isinstance(fit, SpendFit) else []
    at_horizon = [row for row in rows if row.get("horizon") == spec.horizon and not row.get("given")]
    return [*at_horizon, *spend]


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every quantity: ``process, customers, clusters``, then as `replications.summary` gives it.

    ``coverage`` is of the cohorts whose estimate has an interval, ``intervals`` the share of those.
    """
    table = labelled([(cell, summary(sums, cell.cohorts)) for cell, sums in tables])
    made = {
        (cell.process, cell.labels["customers"], cell.labels["clusters"]): cell.cohorts for cell, _ in tables
    }
    keys = zip(table["process"], table["customers"], table["clusters"], strict=True)
    cohorts = np.array([made[key] for key in keys])
    intervals = table["made"] / cohorts
    return table.assign(
        errors=table["std_error"] / table["deviation"], cohorts=cohorts, intervals=intervals,
        coverage=table["coverage"] / intervals,
    )  # fmt: skip


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each law, size and estimand, over groups of enough customers, by rules that were written before the run."""
    for (process, customers, how, estimand), every in table.groupby(
        ["process", "customers", "clusters", "estimand"], sort=False
    ):
        rows = every[every["n"] >= (FEWEST if customers == USUAL else 0)]
        where = f"{estimand}, {process}, {customers:,} customers"
        if how == WITHOUT:
            mean = float(rows["coverage"].mean())
            text = f"{mean:.1%}; {rows['errors'].mean():.2f}"
            low, high = IGNORED[str(process)]
            yield Verdict(
                f"{where}, clusters ignored: {low:.0%} to {high:.0%} on average", text, low <= mean <= high
            )
            continue
        low, high = BAND if how == WITH else SMALL_BAND
        errors = rows["errors"].between(*ERRORS).all()
        text = (
            f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}; {rows['errors'].min():.2f} to "
            f"{rows['errors'].max():.2f}"
        )
        rule = f"{where}, {'clusters' if how == WITH else 'additive model'}: {low:.0%} to {high:.0%}"
        rule += f", standard error over deviation {ERRORS[0]} to {ERRORS[1]}"
        yield Verdict(rule, text, bool(len(rows) and rows["coverage"].between(low, high).all() and errors))


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    return Page("clusters", list(_lines(table)), {"clusters": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    least, most = int(table["cohorts"].min()), int(table["cohorts"].max())
    yield "# How often intervals of customers in accounts hold the truth\n"
    cohorts = f"{least:,} to {most:,}" if most > least else f"{most:,}"
    yield (
        f"{made_by()}: {cohorts} cohorts a cell, drawn as counts; 95 % intervals, standardised. Ten "
        f"levels, twelve strata, an intraclass correlation of {ICC} of who is retained and of what is spent. The "
        f"Monte Carlo error of a coverage of 95 % is {monte_carlo_error(0.95, least):.1%}.{short_run(least, COHORTS)}"
    )
    yield (
        "\nAn account with half of the customers is refused (`tests/cohort/count/test_clusters.py`). Groups under "
        f"{FEWEST} customers are shown and not judged at {USUAL:,}; an estimate without an interval (effectively under "
        "six buckets) counts neither way, and the last column says how many have one."
    )
    yield "\n## The laws\n"
    for law in account_laws().values():
        yield f"- `{law.name}`: {law.about}."
    yield from rules(verdicts(table))
    yield "\n## Every cell\n"
    columns = {
        "estimand": "{estimand}", "group": "{group}", "against": "{reference}", "law": "{process}",
        "customers": "{customers:,}", "clusters": "{clusters}", "cohorts": "{cohorts:,}", "truth": "{truth:.4g}",
        "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}", "standard error over deviation": "{errors:.2f}",
        "with an interval": "{intervals:.0%}",
    }  # fmt: skip
    yield from shown(_sorted(table), columns)


def _sorted(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values(["estimand", "process", "customers", "clusters", "group"])


CLUSTERS = Proof(
    "clusters",
    "intervals of customers in accounts hold the truth, and those that ignore accounts do not",
    cells,
    page,
)
