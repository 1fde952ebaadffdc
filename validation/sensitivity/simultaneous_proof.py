"""Do simultaneous intervals of every level against worst all hold at once as often as they say?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, has_spend, spells_of
from cxlink.estimands.headline import headline_of
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.simultaneous import SIMULTANEOUS, in_family
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.study.cells import draw
from cxlink.study.cells import spec_of as spec_of_process
from cxlink.study.processes import processes
from cxlink.study.replications import true_values
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, shown
from validation.printed.entry import drawn_cohort
from validation.printed.exact_truths import levelled, mix_of, pair_truths
from validation.printed.model_entries import whole_counts
from validation.printed.planted_law import HORIZON, WINDOW, planted_laws, spec_of
from validation.process import Cell, CellTables, Proof, labelled

SEED, DRAWS = 20261129, 1_000
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, FEWER, BLOCK = 1_000, 400, 50
"""Cohorts of a cell, of one that fits hazards, and of a block."""
SMALL_BAND, BAND = (0.90, 0.99), (0.92, 0.98)
"""Of the share of cohorts in which all hold, at 1,500 customers and at more."""
PLANTED, TEN_LEVELS, HAZARDS = (
    ("heavy_users_stay", "no_effect"),
    ("study_subscription", "no_effect"),
    "hazards",
)
SUMS = ["members", "made", "together", "each"]
Row = dict[str, object]
Truths = dict[tuple[str, str], float]


def cells() -> list[Cell]:
    """Five levels over three strata at every size; ten over twelve at the larger ones; hazard ratios."""
    places = [
        *(("planted", law, n, COHORTS) for law in PLANTED for n in SIZES),
        *(("ten levels", name, n, COHORTS) for name in TEN_LEVELS for n in SIZES[1:]),
        *((HAZARDS, "fading", n, FEWER) for n in SIZES),
    ]
    return [
        Cell(
            {"kind": kind, "process": law, "customers": n}, (SEED, at, n), cohorts, BLOCK,
            partial(tallied, kind, law, n), added,
        )
        for at, (kind, law, n, cohorts) in enumerate(places)
    ]  # fmt: skip


def tallied(kind: str, law: str, customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and count in how many every interval of a family holds: together, and each by itself."""
    draws: dict[str, Callable[[str, int, np.random.Generator], tuple[list[Row], Truths]]] = {
        "planted": planted, "ten levels": ten_levels, HAZARDS: hazard_ratios,
    }  # fmt: skip
    return added([
        pd.DataFrame(families(*draws[kind](law, customers, rng))) for _ in range(cohorts)
    ])  # fmt: skip


def added(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add tallies up."""
    return pd.concat(list(tallies), ignore_index=True).groupby("estimand", as_index=False)[SUMS].sum()


def families(rows: Sequence[Row], truths: Truths) -> Iterator[Row]:
    """Whether all intervals of each family hold: ``estimand`` and `SUMS`."""
    for estimand in dict.fromkeys(name for name, _ in truths):
        held = {}
        for scenario in (SIMULTANEOUS, ""):
            own = [
                row for row in rows
                if row["estimand"] == estimand and row.get("scenario", "") == scenario
                and in_family(str(row["group"]), str(row.get("reference", "")))
            ]  # fmt: skip
            held[scenario] = [_holds(row, truths[estimand, str(row["group"])]) for row in own]
        yield {
            "estimand": estimand, "members": len(held[SIMULTANEOUS]), "made": 1,
            "together": int(bool(held[SIMULTANEOUS]) and all(held[SIMULTANEOUS])), "each": int(all(held[""])),
        }  # fmt: skip


def _holds(row: Row, truth: float) -> bool:
    return bool(row["conf_low"] <= truth <= row["conf_high"])  # type: ignore[operator]


def planted(law: str, customers: int, rng: np.random.Generator) -> tuple[list[Row], Truths]:
    """Retention and spend of five levels, standardised over three strata."""
    asked, counts = drawn_cohort(law, customers, rng)
    pairs, mix = pair_truths(asked), mix_of(counts)
    strata = mix.sum(axis=0)
    retained = levelled(pairs.survival[..., HORIZON], strata)
    spent = levelled(pairs.earned[..., :WINDOW].sum(axis=-1), strata)
    truths: Truths = {}
    for name, by_level in (("retention", retained), ("spend", spent)):
        for level in range(2, 6):
            truths[f"{name}_difference", str(level)] = by_level[level - 1] - by_level[0]
            truths[f"{name}_ratio", str(level)] = by_level[level - 1] / by_level[0]
    return _rows(counts, rng), truths


def ten_levels(name: str, customers: int, rng: np.random.Generator) -> tuple[list[Row], Truths]:
    """Retention, and spend where there is any, of ten levels, standardised over twelve strata."""
    process = processes()[name]
    counts = draw(process, customers, spec_of_process(process, DRAWS), rng)
    known = true_values(process, counts)
    wanted = ("retention_difference", "retention_ratio", "spend_difference", "spend_ratio")
    truths = {
        (estimand, group): value
        for (estimand, group, reference), value in known.items()
        if estimand in wanted and in_family(group, reference)
    }
    return _rows(counts, rng), truths


def hazard_ratios(law: str, customers: int, rng: np.random.Generator) -> tuple[list[Row], Truths]:
    """Conditional hazard ratios of five levels; the truth is what the same fit tends to."""
    _, counts = drawn_cohort(law, customers, rng)
    rows, _, _ = hazard_results(spells_of(counts), counts.spec, rng)
    return [row for row in rows if row["adjusted"] == "conditional"], _limits(law)


@cache
def _limits(law: str) -> Truths:
    counts = whole_counts(planted_laws()[law], spec_of(planted_laws()[law]))
    rows, _, _ = hazard_results(spells_of(counts), counts.spec, np.random.default_rng(1))
    return {
        ("hazard_ratio", row["group"]): row["estimate"]
        for row in rows
        if row["estimand"] == "hazard_ratio" and row["adjusted"] == "conditional" and not row.get("scenario")
        and in_family(row["group"], row["reference"])
    }  # fmt: skip


def _rows(counts: Counts, rng: np.random.Generator) -> list[Row]:
    """Standardised rows at the horizon, each by itself and together."""
    spells: Spells = spells_of(counts)
    spec = counts.spec.model_copy(
        update={"analysis": counts.spec.analysis.model_copy(update={"draws": DRAWS})}
    )
    curve = standardised(spells, spec, reaches(spells, spec.horizon))
    means = standardised(spells, spec, has_spend(spells)) if spec.spend is not None else None
    asked = [replace(curve, times=np.array([0, spec.horizon]))] if curve is not None else []
    return headline_of(
        spells, replace(counts, spec=spec), asked, [means] if means is not None else [], rng
    )[0]  # fmt: skip


def coverage(tables: CellTables) -> pd.DataFrame:
    """Shares of cohorts: ``kind, process, customers, estimand, members, made, together, each``."""
    table = labelled(tables)
    made = table["made"]
    return table.assign(
        members=table["members"] / made, together=table["together"] / made, each=table["each"] / made
    )  # fmt: skip


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each family at each size, over the laws, by a rule that was written before the run."""
    for (kind, estimand, customers), rows in table.groupby(["kind", "estimand", "customers"], sort=False):
        low, high = SMALL_BAND if customers == SIZES[0] else BAND
        if kind == HAZARDS:
            low, high = low - 0.01, high + 0.01
        fails = rows[~rows["together"].between(low, high)]
        text = f"{rows['together'].min():.1%} to {rows['together'].max():.1%}"
        text += f" (fails: {', '.join(fails['process'])})" if len(fails) else ""
        yield Verdict(
            f"{kind}: {estimand}, {customers:,} customers: {low:.0%} to {high:.0%}", text, fails.empty
        )


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    return Page("simultaneous", list(_lines(table)), {"simultaneous": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["made"].max())
    yield "# How often all simultaneous intervals of a family hold at once\n"
    yield (
        f"{made_by()}: up to {made:,} cohorts a cell, drawn as counts, {DRAWS:,} draws. A family is every level "
        "against worst: five levels over three strata under planted laws that no model holds, ten levels over twelve "
        "strata under the processes of the intervals' own proof, and conditional hazard ratios under a law whose "
        "hazards are not proportional, against what the same fit tends to (fewer cohorts: limits a point wider). "
        "“Each by itself” is how often all the ordinary 95 % intervals of the family hold at once. The Monte Carlo "
        f"error of a coverage of 95 % is {monte_carlo_error(0.95, made):.1%}."
    )
    yield from rules(verdicts(table))
    yield "\n## Every cell\n"
    columns = {
        "kind": "{kind}", "law": "{process}", "customers": "{customers:,}", "estimand": "{estimand}",
        "members": "{members:.2g}", "cohorts": "{made:,}", "all hold, simultaneous": "{together:.1%}",
        "all hold, each by itself": "{each:.1%}",
    }  # fmt: skip
    yield from shown(table.sort_values(["kind", "estimand", "process", "customers"]), columns)


SIMULTANEOUS_PROOF = Proof(
    "simultaneous",
    "simultaneous intervals of every level against worst all hold at once as often as they say",
    cells,
    page,
)
