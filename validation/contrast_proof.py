"""Do simultaneous intervals of partial contrasts, of scores and of touchpoints, hold at once as often as they say?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from cxlink.metrics.bucketed_metrics import symmetric
from cxlink.metrics.drivers.joint_cells import joint_cells
from cxlink.metrics.drivers.partial_contrasts import PointContrast, retention_contrasts, spend_contrasts
from cxlink.metrics.drivers.simultaneous_contrasts import simultaneous_contrasts
from cxlink.metrics.journey.journey_contrasts import contrasts_of_journey
from validation.driver_law import CORRELATION, driver_law
from validation.driver_proof import OUTCOMES, limits
from validation.journey_law import journey_law, spec_of_contacts
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, short_run, shown
from validation.process import Cell, CellTables, Proof, labelled

SEED, LEVEL = 20261201, 0.95
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 1_000, 50
BAND = (0.92, 0.98)
"""Of the share of cohorts in which all hold at once."""
SCORES, TOUCHPOINTS = "one_driver", "one_touchpoint"
SUMS = ["members", "made", "together", "each"]
Row = dict[str, object]
Families = dict[str, tuple[Sequence[PointContrast], dict[str, float]]]


def cells() -> list[Cell]:
    """Give three scores and two touchpoints at each size."""
    return [
        Cell({"process": law, "customers": n}, (SEED, at, n), COHORTS, BLOCK, partial(tallied, law, n), added)
        for at, law in enumerate((SCORES, TOUCHPOINTS))
        for n in SIZES
    ]


def tallied(law: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and count in how many every interval of a family holds: together, and each by itself."""
    draws: dict[str, Callable[[int, np.random.Generator], Families]] = {
        SCORES: of_scores, TOUCHPOINTS: of_touchpoints,
    }  # fmt: skip
    return added([pd.DataFrame(held(draws[law](customers, rng))) for _ in range(cohorts)])


def added(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add tallies up."""
    return pd.concat(list(tallies), ignore_index=True).groupby("outcome", as_index=False)[SUMS].sum()


def of_scores(customers: int, rng: np.random.Generator) -> Families:
    """Give the contrasts of a cohort of three scores, and their limits: 0 of those that act on nothing."""
    counts = driver_law().drawn(customers, rng)
    assert counts.drivers is not None
    laid_out, truth = joint_cells(counts.drivers, counts.spec), limits()
    made = zip(OUTCOMES, (retention_contrasts(laid_out), spend_contrasts(laid_out)), strict=True)
    return {
        outcome: (found, {one.name: float(truth[outcome, "contrast", one.name]) for one in found})
        for outcome, found in made
    }


def of_touchpoints(customers: int, rng: np.random.Generator) -> Families:
    """Give the contrasts of a cohort of two touchpoints, and the truth."""
    made = contrasts_of_journey(journey_law().drawn(customers, rng), spec_of_contacts())
    return {"retention": ([one.contrast for one in made if one.how == "partial"], journey_law().contrasts())}


def held(families: Families) -> Iterator[Row]:
    """Whether all intervals of each family hold: ``outcome`` and `SUMS`; a contrast without one does not."""
    for outcome, (contrasts, truth) in families.items():
        at_once = dict(simultaneous_contrasts(contrasts, LEVEL))
        each = {
            one.name: symmetric((one.estimate, one.std_error, one.n), LEVEL, one.freedom) for one in contrasts
        }
        together, alone = (
            all(name in of and of[name].conf_low <= value <= of[name].conf_high for name, value in truth.items())
            for of in (at_once, each)
        )  # fmt: skip
        yield {
            "outcome": outcome, "members": len(at_once), "made": 1, "together": int(together), "each": int(alone),
        }  # fmt: skip


def coverage(tables: CellTables) -> pd.DataFrame:
    """Shares of cohorts: ``process, customers, outcome, members, made, together, each``."""
    table = labelled(tables)
    shares = {name: table[name] / table["made"] for name in ("members", "together", "each")}
    return table.assign(**shares)


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each family at each size by a rule that was written before the run."""
    named = {SCORES: "scores", TOUCHPOINTS: "touchpoints"}
    for row in table.to_dict("records"):
        share = row["together"]
        rule = f"contrasts of {named[row['process']]}, {row['outcome']}, {row['customers']:,} customers: all hold at "
        yield Verdict(
            f"{rule}once in {BAND[0]:.0%} to {BAND[1]:.0%}", f"{share:.1%}", BAND[0] <= share <= BAND[1]
        )


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    return Page("contrasts", list(_lines(table)), {"contrasts": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].max())
    yield "# How often all simultaneous intervals of partial contrasts hold at once\n"
    yield (
        f"{made_by()}: {made:,} cohorts a cell, drawn as counts. A family is the contrasts of all scores, or of all "
        "touchpoints, with the others held constant, for one outcome. Three scores (correlation "
        f"{CORRELATION}) of which one acts on retention and on spend, under the law of [several scores](drivers.md), "
        "against 0 or the limit of ten million customers; two touchpoints of which one acts, under that of "
        "[touchpoints](journey.md). “Each by itself” is how often all the ordinary 95 % intervals of the family hold "
        f"at once. The Monte Carlo error of a coverage of 95 % is {monte_carlo_error(0.95, made):.1%}."
        f"{short_run(made, COHORTS)}"
    )
    yield from rules(verdicts(table))
    yield "\n## Every cell\n"
    columns = {
        "law": "{process}", "customers": "{customers:,}", "outcome": "{outcome}", "members": "{members:.2g}",
        "cohorts": "{made:,}", "all hold, at once": "{together:.1%}", "all hold, each by itself": "{each:.1%}",
    }  # fmt: skip
    yield from shown(table, columns)


CONTRAST_PROOF = Proof(
    "contrasts",
    "simultaneous intervals of partial contrasts all hold at once as often as they say",
    cells,
    page,
)
