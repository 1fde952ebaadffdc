"""Do the intervals that are printed beside the headline hold their truth? One table of entries, planted laws."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from cxlink.study.replications import added, summary, tally
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, markdown_table, rules, shown
from validation.printed.entries import ENTRIES_BY_NAME
from validation.printed.entry import FEWER, SMALL
from validation.printed.model_entries import FURTHER
from validation.printed.planted_law import DRAWS, planted_laws
from validation.printed.small_cohorts import LAWS as SMALL_LAWS
from validation.process import Cell, CellTables, Proof, labelled

SEED = 20261129
BLOCKS = 20
"""Blocks of a cell."""
BAND, SMALL_BAND, ERRORS = (0.92, 0.98), (0.90, 0.99), (0.90, 1.15)
"""Coverage that is wanted, also at 1,500 customers; and, at more, of mean standard error over the deviation."""
WIDER = 0.01
"""Of either side where a cell has `FEWER` cohorts."""
LOWER_LIMIT_ONLY = ("payback",)
"""A whole number of periods: its interval holds it, or is a period off."""
MODELLED = ("tipping_point", "break_even_share")
"""Skewed, or limited to 0 to 1: coverage is judged, standard errors are shown."""
KEYS = ["entry", "estimand", "customers"]


def cells() -> list[Cell]:
    """Every entry with each of its laws at each of its sizes."""
    return [
        Cell(
            {"entry": entry.name, "process": law, "customers": n}, (SEED, at, which, n), entry.cohorts,
            entry.cohorts // BLOCKS, partial(tallied, entry.name, law, n), added,
        )
        for at, entry in enumerate(ENTRIES_BY_NAME.values())
        for which, law in enumerate(entry.laws)
        for n in entry.sizes
    ]  # fmt: skip


def tallied(entry: str, law: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a law, and tally what an entry makes of them."""
    asked = ENTRIES_BY_NAME[entry]
    return tally(row for _ in range(cohorts) for row in asked.rows(law, customers, rng))


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage of every row: ``entry, process, customers, planned, cohorts``, as `summary` gives it, and ``errors``.

    ``errors`` is the mean standard error over the deviation of the estimates. A row that some cohorts do not have, such
    as a median that is not reached, is judged over those that have it.
    """
    each = [(cell, summary(sums, cell.cohorts).assign(cohorts=cell.cohorts)) for cell, sums in tables]
    table = labelled(each)
    asked = [ENTRIES_BY_NAME[name] for name in table["entry"]]
    return table.assign(
        planned=[one.cohorts for one in asked], lower_limit_only=[one.lower_limit_only for one in asked],
        coverage=table["coverage"] * table["cohorts"] / table["made"],
        errors=table["std_error"] / table["deviation"].where(table["deviation"] > 0),
    )  # fmt: skip


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Add ``low, high`` of coverage, ``passed``; of an unfinished cell within two Monte Carlo errors of the limits."""
    small, fewer = table["customers"] == SMALL, table["planned"] <= FEWER
    low = np.where(small, SMALL_BAND[0], BAND[0]) - WIDER * fewer
    high = np.where(small, SMALL_BAND[1], BAND[1]) + WIDER * fewer
    open_ended = table["estimand"].isin(LOWER_LIMIT_ONLY) | table["lower_limit_only"]
    high = np.where(open_ended, 1.0, high)
    short = (table["cohorts"] < table["planned"]).to_numpy()
    slack = 2 * np.sqrt(0.95 * 0.05 / table["made"]) * short
    ratio_slack = 1 + 2 / np.sqrt(2 * table["made"]) * short
    holds = table["coverage"].between(low - slack, high + slack)
    free = small | open_ended | table["estimand"].isin(MODELLED) | table["errors"].isna()
    fits = table["errors"].between(ERRORS[0] / ratio_slack, ERRORS[1] * ratio_slack)
    return table.assign(low=low, high=high, passed=holds & (fits | free))


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each estimand of an entry at each size, over laws, groups and horizons; what fails is named."""
    for (entry, estimand, customers), rows in judged(table).groupby(KEYS, sort=False):
        first, short = rows.iloc[0], (rows["cohorts"] < rows["planned"]).any()
        rule = f"{entry}: {estimand}, {customers:,} customers: {first['low']:.0%} to {first['high']:.0%}"
        if customers != SMALL and first["high"] < 1 and estimand not in MODELLED:
            rule += f", standard error over deviation {ERRORS[0]} to {ERRORS[1]}"
        text = (
            f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}; {rows['errors'].min():.2f} to "
            f"{rows['errors'].max():.2f}"
        )
        if short:
            text += f" (short: {rows['cohorts'].min():,} of {first['planned']:,})"
        fails = rows[~rows["passed"]]
        if len(fails):
            text += f" (fails, {len(fails)} of {len(rows)}: {'; '.join(_named(fails))})"
        yield Verdict(rule, text, fails.empty)


def _named(fails: pd.DataFrame, most: int = 3) -> Iterator[str]:
    """Name rows by law, group and place; the farthest off first."""
    far = (fails["coverage"] - 0.95).abs()
    for row in fails.assign(far=far).sort_values("far", ascending=False).head(most).to_dict("records"):
        where = " ".join(str(row[name]) for name in ("process", "group", "scenario") if row[name])
        yield f"{where} {row['coverage']:.1%}, {row['errors']:.2f}"


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    columns = [
        "entry", "process", "customers", "estimand", "group", "reference", "scenario", "truth", "n", "made", "coverage",
        "bias", "deviation", "std_error", "errors",
    ]  # fmt: skip
    return Page("printed_proof", list(_lines(table)), {"printed_proof": table[columns]})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    yield "# How often intervals beside the headline hold their truth\n"
    yield (
        f"{made_by()}: cohorts drawn as counts from laws that no model holds, five levels, three strata confounded "
        f"with them, two kinds of customers that nobody observes, two competing causes; 95 % intervals from {DRAWS} "
        "draws. A truth is worked out by sums, for the cohort's own mix of levels and strata; that of hazard ratios, "
        "coefficients, slopes at touchpoints and the calibration of an older model is what the same fit gives on the "
        "counts that are expected (a pseudo-true value: under hazards that are not proportional, the ratio that the "
        "likelihood comes nearest to with this follow-up); that of gains of codings, which are out of sample, is the "
        f"mean over {FURTHER} further cohorts as large, so that their standard errors alone are tried. Each verdict is "
        "over all laws, groups (worst, best, the level between) and horizons. Of cells that are not finished the page "
        "says how many cohorts there are; limits are then two Monte Carlo errors wider. Where "
        f"{FEWER} cohorts are planned the band is a point wider on each side. The Monte Carlo error of 95 % is "
        f"{monte_carlo_error(0.95, 1_000):.1%} with 1,000 cohorts, {monte_carlo_error(0.95, FEWER):.1%} with {FEWER}."
    )
    yield "\n## The laws\n"
    for law in planted_laws().values():
        yield f"- `{law.name}`: {law.about}"
    yield from (f"- `{name}`: {about}" for name, about in SMALL_LAWS.items())
    yield "\n## What is tried, and how far\n"
    yield from markdown_table(("entry", "what", "laws", "cohorts made of those planned"), _far(table))
    yield from rules(verdicts(table))
    found = judged(table)
    fails = found[~found["passed"]]
    yield "\n## Every row that does not pass\n"
    columns = {
        "entry": "{entry}", "estimand": "{estimand}", "law": "{process}", "customers": "{customers:,}",
        "group": "{group}", "against": "{reference}", "where": "{scenario}", "truth": "{truth:.4g}",
        "cohorts": "{made:,}", "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}",
        "standard error over deviation": "{errors:.2f}",
    }  # fmt: skip
    yield from shown(fails, columns)


def _far(table: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    made = table.drop_duplicates(["entry", "process", "customers"]).groupby("entry")["cohorts"].sum()
    for entry in ENTRIES_BY_NAME.values():
        planned = entry.cohorts * len(entry.laws) * len(entry.sizes)
        laws = ", ".join(f"`{law}`" for law in entry.laws)
        yield entry.name, entry.about, laws, f"{int(made.get(entry.name, 0)):,} of {planned:,}"


PRINTED_PROOF = Proof(
    "printed",
    "what is printed beside the headline holds its truth: hazards, curves, value, controls",
    cells,
    page,
)
