"""How often is a model that still holds called valid, and how often one that does not? Null pairs, planted changes."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cxlink.comparison.changes import CALIBRATION, outcomes, table_of
from cxlink.comparison.recommendation import RECALIBRATE, REFIT, VALID, verdict_of
from cxlink.study.population import HORIZON
from validation import snapshot_pairs
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, short_run, shown
from validation.planted_changes import ESTIMANDS, NONE, drawn_pair
from validation.process import Cell, CellTables, Proof, labelled, stacked

SEED, DRAWS = 20261129, 300
NULL_PAIRS, PLANTED_PAIRS, BLOCK = 200, 100, 20
SIZES = ((20_000, 2_000), (20_000, 20_000), (1_000_000, 1_000_000))
SNAPSHOT, SNAPSHOT_SIZES = "snapshot", (3_500, 20_000)
MIX = ("mix", 10)
"""Changes who the customers are and nothing that the model says of them."""
PLANTED = (("baseline", 5), ("baseline", 10), ("effect", 5), ("effect", 10))
FALSE_ALARMS = 0.05
POWER, LARGE = 0.8, 10
_VERDICTS = (VALID, RECALIBRATE, REFIT)
_KEYS = ["estimand"]


def cells() -> list[Cell]:
    """Null pairs of every size and of snapshots first, then what is planted."""
    return [
        *(_cell(NONE, 0, sizes, NULL_PAIRS) for sizes in SIZES),
        *(_cell(SNAPSHOT, 0, (n, n), NULL_PAIRS) for n in SNAPSHOT_SIZES),
        *(_cell(*change, sizes, PLANTED_PAIRS) for change in (MIX, *PLANTED) for sizes in SIZES),
    ]


def _cell(kind: str, points: int, sizes: tuple[int, int], pairs: int) -> Cell:
    labels: dict[str, str | int] = {"kind": kind, "points": points, "base": sizes[0], "new": sizes[1]}
    seed = (SEED, points, *sizes, *map(ord, kind))
    return Cell(labels, seed, pairs, BLOCK, partial(tallied, (kind, points), sizes), added)


def tallied(
    change: tuple[str, int], sizes: tuple[int, int], cohorts: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw pairs, and count their verdicts.

    Returns
    -------
    DataFrame
        ``estimand, pairs, valid, recalibrate, refit``.
    """
    estimands = ("retention",) if change[0] == SNAPSHOT else ESTIMANDS
    found = [
        {
            "estimand": estimand,
            "pairs": 1,
            **dict.fromkeys(_VERDICTS, 0),
            _judged(estimand, change, sizes, rng): 1,
        }
        for _ in range(cohorts)
        for estimand in estimands
    ]
    return added([pd.DataFrame(found)])


def _judged(estimand: str, change: tuple[str, int], sizes: tuple[int, int], rng: np.random.Generator) -> str:
    if change[0] == SNAPSHOT:
        pair = [
            snapshot_pairs.snapshot(n, name, DRAWS, rng)
            for n, name in zip(sizes, ("base", "new"), strict=True)
        ]
        horizon = snapshot_pairs.HORIZON
    else:
        pair, horizon = [*drawn_pair(estimand, change, sizes, DRAWS, rng)], HORIZON
    return verdict_of(table_of(outcomes(pair[0], pair[1], horizon)[0].calibration, CALIBRATION)).verdict


def added(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add counts up."""
    return stacked(tables).groupby(_KEYS, sort=False, as_index=False)[["pairs", *_VERDICTS]].sum()


def shares(table: pd.DataFrame) -> pd.DataFrame:
    """Share of the pairs with each verdict, and of those with any but valid."""
    made = table["pairs"]
    found = table.assign(**{name: table[name] / made for name in _VERDICTS})
    return found.assign(alarm=1 - found[VALID])


def verdicts(found: pd.DataFrame) -> Iterator[Verdict]:
    """Judge by rules that were written before the run."""
    for row in found.to_dict("records"):
        where = f"{row['estimand']}, {row['base']:,} and {row['new']:,} customers"
        text = f"{row['alarm']:.1%} of {row['pairs']}"
        if row["kind"] in (NONE, SNAPSHOT, MIX[0]):
            most = FALSE_ALARMS + 2 * monte_carlo_error(FALSE_ALARMS, row["pairs"])
            rule = f"{_changed(row)}, {where}: not called valid in at most 5 % and two Monte Carlo errors ({most:.1%})"
            yield Verdict(rule, text, row["alarm"] <= most)
        elif row["points"] >= LARGE:
            yield Verdict(
                f"{_changed(row)}, {where}: not called valid in at least 80 %", text, row["alarm"] >= POWER
            )


def _changed(row: Mapping[Hashable, Any]) -> str:
    if row["kind"] == NONE:
        return "nothing changed"
    return "snapshots of one law" if row["kind"] == SNAPSHOT else f"{row['kind']} by {row['points']} points"


def page(tables: CellTables) -> Page:
    """Judge what was found."""
    found = shares(labelled(tables))
    found = found.assign(change=[_changed(row) for row in found.to_dict("records")])
    return Page("old_model", list(_lines(found)), {"old_model": found.drop(columns="change")})


def _lines(found: pd.DataFrame) -> Iterator[str]:
    null = found[found["kind"].isin([NONE, SNAPSHOT])]["pairs"]
    yield "# How often an older model is called valid\n"
    yield (
        f"{made_by()}. `cxlink compare` says of an older cohort's model that it is still valid, to be recalibrated, or "
        "to be re-fitted. Pairs of simulated cohorts of the study's design, ten scores and twelve strata, retention "
        "after 12 months and spend: nothing changes between the two, or the mix of customers alone (which leaves the "
        "model as valid as it was), or the baseline or the effect of scores, by 5 or 10 points (of spend: per cent). "
        f"Snapshots are those of `validation/snapshot_pairs.py`: {snapshot_pairs.WINDOW} months of customers of any "
        f"age, whose cells are thin. Intervals from {DRAWS} draws.{short_run(int(null.min()), NULL_PAIRS)}"
    )
    yield from rules(verdicts(found))
    yield "\n## Verdicts\n"
    columns = {
        "change": "{change}", "customers": "{base:,} / {new:,}", "outcome": "{estimand}", "pairs": "{pairs}",
        "valid": "{valid:.1%}", "recalibrate": "{recalibrate:.1%}", "re-fit": "{refit:.1%}",
    }  # fmt: skip
    yield from shown(found, columns)


OLD_MODEL = Proof(
    "old_model",
    "an older model is called valid where nothing changed, and not where something did",
    cells,
    page,
)
