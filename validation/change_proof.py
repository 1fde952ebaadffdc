"""Do the parts that `cxlink compare` splits a change into hold their truth? Null pairs, and planted changes."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from validation import cohort_pairs
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, shown
from validation.planted_changes import ESTIMANDS, KINDS, NONE, POINTS, TOGETHER, replicated
from validation.process import Cell, CellTables, Proof, labelled, stacked

SEED = 2026
NULL_PAIRS, PLANTED_PAIRS = 1_000, 200
NULL_BLOCK, BLOCK = 100, 20
SIZES = ((20_000, 2_000), (20_000, 1_500), (20_000, 20_000), (1_000_000, 1_000_000))
"""Customers with a score, of base and new cohort; every change is planted at the first, one at the others."""
SHORT = 4_000
"""Customers of either cohort in `cohort_pairs`, whose follow-up ends before the horizon for some."""
DRAWS = 300
BAND, SMALL_BAND, SMALL = (0.92, 0.98), (0.90, 0.99), 1_500
RATIO = (0.9, 1.15)
"""Of the mean standard error over the standard deviation of the estimates; at the small size no bound."""
ENOUGH = 200
"""Intervals of a row from which on it is judged; others are shown."""
_KEYS = ["estimand", "group", "part"]
_SUMS = ["truth", "made", "inside", "bias", "square", "std_error"]


def cells() -> list[Cell]:
    """Every change at the first sizes, the null and one change at the others, and cohorts with short follow-up."""
    first, *others = SIZES
    places = [(NONE, 0, first), *((kind, points, first) for kind in KINDS[1:] for points in POINTS)]
    places += [
        (kind, points, sizes) for sizes in others for kind, points in ((NONE, 0), (TOGETHER, POINTS[1]))
    ]
    planted = [
        Cell(
            {"kind": kind, "points": points, "base": sizes[0], "new": sizes[1]},
            (SEED, KINDS.index(kind), points, *sizes),
            *((NULL_PAIRS, NULL_BLOCK) if kind == NONE and sizes == first else (PLANTED_PAIRS, BLOCK)),
            partial(tallied, (kind, points), sizes),
            added,
        )
        for kind, points, sizes in places
    ]
    short = [
        Cell(
            {"kind": f"short {kind}", "points": 0, "base": SHORT, "new": SHORT},
            (SEED, at), PLANTED_PAIRS, BLOCK, partial(tallied_short, kind), added,
        )
        for at, kind in enumerate(cohort_pairs.KINDS)
    ]  # fmt: skip
    return [*planted, *short]


def tallied(
    change: tuple[str, int], sizes: tuple[int, int], cohorts: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Draw pairs of cohorts, and sum what the intervals of each part hold."""
    rows = [
        row
        for _ in range(cohorts)
        for estimand in ESTIMANDS
        for row in replicated(estimand, change, sizes, DRAWS, rng)
    ]
    return _summed(rows)


def tallied_short(kind: str, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Do the same for the pairs with short follow-up."""
    rows = []
    for _ in range(cohorts):
        rows += cohort_pairs.replicated(kind, SHORT, DRAWS, int(rng.integers(2**31)), rng)
    return _summed(rows)


def _summed(rows: Sequence[dict[str, object]]) -> pd.DataFrame:
    table = pd.DataFrame(rows)
    error = table["estimate"] - table["truth"]
    inside = (table["conf_low"] <= table["truth"]) & (table["truth"] <= table["conf_high"])
    return added([table.assign(made=1, inside=inside.astype(int), bias=error, square=error**2)])


def added(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Add sums up."""
    return stacked(tables).groupby(_KEYS, sort=False, as_index=False)[_SUMS].sum()


def coverage(tables: CellTables) -> pd.DataFrame:
    """Give the coverage of every part of every change.

    Returns
    -------
    DataFrame
        ``kind, points, base, new, estimand, group, part, truth, made, coverage, bias, deviation, std_error``.
    """
    table = labelled(tables).astype({"group": str})
    made = table["made"]
    for name in ("truth", "bias", "std_error"):
        table[name] = table[name] / made
    variance = (table["square"] - made * table["bias"] ** 2) / (made - 1).clip(lower=1)
    table = table.assign(coverage=table["inside"] / made, deviation=np.sqrt(variance.clip(lower=0)))
    keys = ["kind", "points", "base", "new", *_KEYS]
    return table[[*keys, "truth", "made", "coverage", "bias", "deviation", "std_error"]]


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Pool pairs: of the null and of all changes planted, and the single scores.

    Returns
    -------
    DataFrame
        ``base, new, pairs, estimand, group, part, made, coverage, bias, ratio``; ``bias`` in standard deviations,
        ``ratio`` the mean standard error over the standard deviation.
    """
    short = table["kind"].str.startswith("short")
    pairs = np.select([short, table["kind"] == NONE], ["short follow-up", "null"], "planted")
    group = table["group"].where(~table["group"].str.isdigit(), "each score")
    weighted = {
        name: column * table["made"]
        for name, column in {
            "coverage": table["coverage"], "bias": table["bias"], "std_error": table["std_error"],
            "deviation": table["deviation"] ** 2,
        }.items()
    }  # fmt: skip
    by = table.assign(pairs=pairs, group=group, **weighted).groupby(
        ["base", "new", "pairs", *_KEYS], sort=False
    )
    pooled = by[["made", *weighted]].sum().reset_index()
    pooled[list(weighted)] = pooled[list(weighted)].div(pooled["made"], axis=0)
    pooled = pooled[pooled["deviation"] > 0]  # scores within a band of one score are nothing
    deviation = np.sqrt(pooled["deviation"])
    pooled = pooled.assign(bias=pooled["bias"] / deviation, ratio=pooled["std_error"] / deviation)
    return pooled[["base", "new", "pairs", *_KEYS, "made", "coverage", "bias", "ratio"]]


def verdicts(pooled: pd.DataFrame) -> Iterator[Verdict]:
    """Judge every size: coverage, and mean standard error over standard deviation."""
    for (base, new, pairs), rows in pooled[pooled["made"] >= ENOUGH].groupby(
        ["base", "new", "pairs"], sort=False
    ):
        where, small = f"{base:,} and {new:,} customers, {pairs} pairs", new == SMALL
        low, high = SMALL_BAND if small else BAND
        yield _verdict(
            f"{where}: coverage of each part {low:.0%} to {high:.0%}", rows, "coverage", (low, high), "{:.1%}"
        )
        if not small:
            asked = f"{where}: mean standard error over standard deviation {RATIO[0]:g} to {RATIO[1]:g}"
            yield _verdict(asked, rows, "ratio", RATIO, "{:.2f}")


def _verdict(asked: str, rows: pd.DataFrame, column: str, ends: tuple[float, float], form: str) -> Verdict:
    out = rows[~rows[column].between(*ends)].to_dict("records")
    names = [f"{row['estimand']}, {row['group']}, {row['part']} {form.format(row[column])}" for row in out]
    spread = f"{form.format(rows[column].min())} to {form.format(rows[column].max())}"
    return Verdict(asked, "; ".join([spread, *names]), not out)


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    pooled = summary(table)
    return Page("changes", list(_lines(table, pooled)), {"changes": table, "changes_pooled": pooled})


def _lines(table: pd.DataFrame, pooled: pd.DataFrame) -> Iterator[str]:
    null = (table["kind"] == NONE) & (table["new"] == SIZES[0][1])
    pairs, planted = int(table.loc[null, "made"].max()), sorted({int(n) for n in table.loc[~null, "made"]})
    each = " to ".join(str(n) for n in dict.fromkeys((planted[0], planted[-1])))
    yield "# How often the parts of a change hold their truth\n"
    yield (
        f"{made_by()}. Pairs of simulated cohorts of the study's design, ten scores and twelve strata: retention after "
        "12 months, and spend. What differs between the two is nothing, or the mix of customers, the baseline, the "
        "effect of scores, or all three, by 2, 5 or 10 points (of spend: per cent); the truth of every part is the "
        f"split of the processes themselves. 95 % intervals from {DRAWS} draws; {pairs:,} null pairs at the first "
        f"sizes, {each} pairs of each other change and size. With short follow-up: five scores and three strata, "
        f"{SHORT:,} customers in either cohort, some followed for less than the horizon. Rows "
        "pool changes, and single scores. The Monte Carlo error is that of so many independent intervals; those of one "
        f"pair's scores are not. Rows of fewer than {ENOUGH} intervals are shown, not judged; those judged have fewer "
        "pairs than the thousand that the bands are made for, and may be outside by up to two Monte Carlo errors by "
        "chance."
    )
    yield from rules(verdicts(pooled))
    columns = {
        "customers": "{base:,} / {new:,}", "pairs": "{pairs}", "outcome": "{estimand}", "part": "{part}",
        "intervals": "{made}", "coverage": "{coverage:.1%}", "Monte Carlo error": "{error:.1%}",
        "bias in standard deviations": "{bias:+.2f}", "standard error over deviation": "{ratio:.2f}",
    }  # fmt: skip
    names = {"all": "The whole cohort", "worst": "The worst scores", "best": "The best scores"}
    names["each score"] = "Each score"
    errors = list(map(monte_carlo_error, pooled["coverage"], pooled["made"]))
    pooled = pooled.assign(error=errors)
    for group, name in names.items():
        yield f"\n## {name}\n"
        yield from shown(pooled[pooled["group"] == group], columns)


CHANGES = Proof("changes", "parts of a change between two cohorts hold their truth", cells, page)
