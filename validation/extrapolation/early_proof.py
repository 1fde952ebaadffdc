"""Does expected tenure hold on published curves of which two to four periods are known?

The rules of `curve_proof`, on cohorts that are followed for hardly long enough to show a trend.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from validation.extrapolation.curve_proof import LEAST_HELD, LEAST_OF_A_SOURCE
from validation.extrapolation.error_table import FEW
from validation.extrapolation.estimators import DRAWS, SHIPPED, errors_without, models_of
from validation.extrapolation.followed_curves import (
    FollowedCurve,
    drawn_exits,
    followed_curves,
    law_of,
    observed_to,
)
from validation.extrapolation.long_law import request_of, spec_of, truths
from validation.extrapolation.scored import beside_truth, estimated, judged_rows, renumbered
from validation.judge import Verdict
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled, stacked

SEED = 20261201
CUSTOMERS = (1_000, 100_000)
COHORTS, BLOCK = 40, 4
REACH = (2, 3, 5)
"""Times follow-up at which tenure is judged, where the curve goes so far."""


def cells() -> list[Cell]:
    """Every curve with each number of customers."""
    return [
        Cell(
            {"source": curve.source, "curve": curve.name.replace(" ", "_"), "customers": n}, (SEED, at, n), COHORTS,
            BLOCK, partial(tallied, curve, n), renumbered,
        )
        for at, curve in enumerate(followed_curves().values())
        for n in CUSTOMERS
    ]  # fmt: skip


def tallied(curve: FollowedCurve, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts of a curve, fit each to its first two, three and four periods, and set what came beside."""
    tables = []
    for cohort in range(cohorts):
        exits = drawn_exits(curve, customers, rng)
        for followed in FEW:
            spells, law = observed_to(exits, followed), law_of(curve, followed)
            horizons = tuple(times * followed for times in REACH if times * followed <= curve.last)
            spec = spec_of(law, horizons, DRAWS)
            request = request_of(spells, spec)
            errors = errors_without(curve.source, followed)
            made = models_of(spells, spec, request, rng, with_rivals=False, errors=errors)
            table = beside_truth(cohort, estimated(made, spec), truths(law, spells, request, horizons))
            own = table[table["group"] == "1"]
            tables.append(own.assign(followed=followed, reach=own["horizon"] // followed))
    return stacked(tables)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Share held, mean width and error: a row a source, size, number of periods and reach."""
    judged = judged_rows(table[table["model"] == SHIPPED])
    grouped = judged.groupby(["source", "customers", "followed", "reach"], sort=True)
    found = grouped[["held", "width", "error", "score"]].mean().assign(intervals=grouped.size())
    return found.reset_index()


def verdicts(found: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    for customers, rows in found.groupby("customers"):
        by_source = rows.groupby("source")["held"].mean()
        at = f"tenure at 2, 3 and 5 times follow-up, {customers:,} customers"
        share, least = float(by_source.mean()), str(by_source.idxmin())
        yield Verdict(f"{at}: at least 90 % over sources", f"{share:.1%}", share >= LEAST_HELD)
        text = f"{least}: {by_source[least]:.1%}"
        yield Verdict(f"{at}: no source under half", text, bool(by_source[least] >= LEAST_OF_A_SOURCE))


def page(tables: CellTables) -> Page:
    """Judge what was found."""
    found = summary(labelled(tables))
    made = min(cell.cohorts for cell, _ in tables)
    lines = [*_head(made), *rules(verdicts(found)), *_tables(found)]
    return Page("extrapolation_early", lines, {"extrapolation_early": found})


def _head(made: int) -> Iterator[str]:
    yield "# Expected tenure beyond two to four periods of follow-up, on published curves\n"
    yield (
        f"{made_by()}: seven published curves of six sources; of each {made} cohorts of {CUSTOMERS[0]:,} and of "
        f"{CUSTOMERS[1]:,} customers, drawn binomially from the curve and fitted to its first two, three and four "
        f"periods; 95 % intervals from {DRAWS} draws. Four losses in a row hardly show a trend: the constants of the "
        "extrapolation error are those of published curves cut off as early, each time without the source that is "
        f"judged. Widths, errors and scores are over the truth.{short_run(made, COHORTS)}\n"
    )


def _tables(found: pd.DataFrame) -> Iterator[str]:
    yield "\n## By source, periods of follow-up and reach\n"
    columns = {
        "source": "{source}", "customers": "{customers:,}", "periods": "{followed}", "times follow-up": "{reach}",
        "intervals": "{intervals}", "held": "{held:.1%}", "mean width": "{width:.3f}", "mean error": "{error:+.3f}",
    }  # fmt: skip
    yield from shown(found, columns)


EARLY_PROOF = Proof("early", "tenure on published curves of which two to four periods are known", cells, page)
