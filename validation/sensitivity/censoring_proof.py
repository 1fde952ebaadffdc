"""Do the intervals of retention under informative censoring, of its tipping point, and with weights, hold the truth?"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.sensitivity.censoring_rows import censoring_rows
from cxlink.study.replications import added, summary, tally
from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, rules, shown
from validation.process import Cell, CellTables, Proof, labelled
from validation.sensitivity.weights_law import LAWS
from validation.sensitivity.weights_proof import weight_cells, weight_verdicts

SEED, DRAWS, HORIZON = 20261129, 500, 12
SIZES = (1_500, 20_000, 1_000_000)
COHORTS, BLOCK = 1_000, 100
SMALL, USUAL, ERRORS = (0.90, 0.99), (0.92, 0.98), (0.90, 1.15)
"""Coverage that is wanted at 1,500 customers and at more; and, there, of mean standard error over the deviation."""
PROCESS = "ends_early"
LEVELS, PLANS = (1, 2, 3, 4, 5), ("basic", "plus", "premium")
WORST, BEST = (1,), (4, 5)
_LEVEL_SHARE, _PLAN_SHARE = np.array([0.15, 0.2, 0.25, 0.25, 0.15]), np.array([0.35, 0.4, 0.25])
_POINTS, _TIERS = np.linspace(-1, 1, 5)[:, None, None], np.array([-1.0, 0.0, 1.0])[None, :, None]
_MONTH = np.arange(1.0, HORIZON + 1)[None, None]
Row = dict[str, object]


def hazard() -> np.ndarray:
    """Of those observed, (n_levels, n_plans, HORIZON): the score matters less with time, most in the basic plan."""
    fading = 0.5 * np.exp(-_MONTH / 10) * (1 - 0.4 * _TIERS)
    found: np.ndarray = 0.06 * np.exp(-fading * _POINTS - 0.3 * _TIERS) * (1 + np.exp(-_MONTH / 4))
    return found


def ending() -> np.ndarray:
    """Share whose follow-up ends with a month, of those observed and not lost; more of the satisfied."""
    found: np.ndarray = (0.04 + 0.02 * _POINTS) * np.exp(0.2 * _TIERS) + 0.02 * (_MONTH > 6)
    found[..., -1] = 0.0
    return found


def share() -> np.ndarray:
    """Joint shares of level and plan, (n_levels, n_plans)."""
    odds = _LEVEL_SHARE[:, None] * np.exp(0.8 * _POINTS[..., 0] * _TIERS[..., 0])
    found: np.ndarray = odds / odds.sum(axis=0) * _PLAN_SHARE
    return found


def observed() -> tuple[np.ndarray, np.ndarray]:
    """Shares lost in each month, and with follow-up ending with it, the last month's being those who stayed."""
    h, k = hazard(), ending()
    before = np.cumprod(np.concatenate([np.ones((5, 3, 1)), ((1 - h) * (1 - k))[..., :-1]], axis=-1), axis=-1)
    over = before * (1 - h) * k
    over[..., -1] = (before * (1 - h))[..., -1]
    return before * h, over


def drawn_counts(customers: int, rng: np.random.Generator) -> Counts:
    """Draw the counts of a cohort."""
    lost, over = observed()
    ways = np.concatenate([lost, over], axis=-1).reshape(15, -1)
    pairs = rng.multinomial(customers, share().ravel() / share().sum())
    n = rng.multinomial(pairs, ways / ways.sum(axis=1, keepdims=True))
    pair, way = np.nonzero(n)
    cells = pd.DataFrame({
        "score": pd.array(np.array(LEVELS)[pair // 3], dtype="Int64"),
        "stratum.plan": np.array(PLANS, dtype=object)[pair % 3], "entry": 0, "exit": way % HORIZON + 1,
        "cause": np.where(way < HORIZON, "lost", ""), "wave": "", "n": n[pair, way],
    })  # fmt: skip
    spec = make_spec({
        "cohort": {"name": "ends-early", "simulated": True},
        "score": {"column": "score", "scale": "1-5", "worst": list(WORST), "best": list(BEST)},
        "subscription": {"duration": "months", "event": "lost"}, "adjust": {"columns": ["plan"]},
        "analysis": {"draws": DRAWS, "horizon": HORIZON, "seed": int(rng.integers(2**31))},
    })  # fmt: skip
    return Counts(add_up(cells), spec, Profile("ends-early", customers, customers))


def retention(delta: float) -> np.ndarray:
    """Retention at the horizon of each level and plan, if hazards after follow-up has ended are δ times as high."""
    h, (_, over) = hazard(), observed()
    log_s = np.cumsum(np.log1p(-h), axis=-1)
    later = np.exp(delta * (log_s[..., -1:] - log_s))
    found: np.ndarray = (over * later).sum(axis=-1)
    return found


def truths(counts: Counts) -> dict[tuple[str, str, str], float]:
    """By estimand, group and scenario, in the cohort's own mix."""
    cells = counts.cells
    mix = cells.pivot_table(index="score", columns="stratum.plan", values="n", aggfunc="sum", fill_value=0)
    n = mix.reindex(index=LEVELS, columns=PLANS, fill_value=0).to_numpy(float)

    def band(delta: float, levels: tuple[int, ...]) -> float:
        at = np.array(levels) - 1
        by_level = retention(delta)[at] @ n.sum(axis=0) / n.sum()
        return float(by_level @ n.sum(axis=1)[at] / n.sum(axis=1)[at].sum())

    found: dict[tuple[str, str, str], float] = {}
    for delta in (0.5, 2.0):
        scenario = f"censored_hazard={delta:g}"
        best, worst = band(delta, BEST), band(delta, WORST)
        found |= {
            ("retention", "best", scenario): best, ("retention", "worst", scenario): worst,
            ("retention_difference", "best", scenario): best - worst,
        }  # fmt: skip
    found["tipping_point", "best", "censoring"] = brentq(lambda x: band(x, BEST) - band(1.0, WORST), 0, 1e4)
    return found


def replicated(customers: int, rng: np.random.Generator) -> Iterator[Row]:
    """Rows of one cohort with their truths."""
    counts = drawn_counts(customers, rng)
    known = truths(counts)
    for row in censoring_rows(spells_of(counts), counts, rng)[0]:
        yield {**row, "truth": known[row["estimand"], row["group"], row["scenario"]]}


def tallied(customers: int, cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw cohorts, and tally their rows."""
    return tally(row for _ in range(cohorts) for row in replicated(customers, rng))


def cells() -> list[Cell]:
    """Every size, and those of the laws in which another score tells who is censored."""
    own = [
        Cell({"process": PROCESS, "customers": n}, (SEED, n), COHORTS, BLOCK, partial(tallied, n), added)
        for n in SIZES
    ]
    return [*own, *weight_cells()]


def coverage(tables: CellTables) -> pd.DataFrame:
    """Coverage: ``process, customers``, then as `replications.summary` gives it, and ``errors``."""
    table = labelled([(cell, summary(sums, cell.cohorts)) for cell, sums in tables])
    return table.assign(errors=table["std_error"] / table["deviation"])


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each estimand at each size by rules that were written before the run; of tipping points coverage alone."""
    for (estimand, customers), rows in table.groupby(["estimand", "customers"], sort=False):
        small = customers == SIZES[0]
        low, high = SMALL if small else USUAL
        free = small or estimand == "tipping_point"
        fits = rows["coverage"].between(low, high) & (rows["errors"].between(*ERRORS) | free)
        rule = f"{estimand}, {customers:,} customers: {low:.0%} to {high:.0%}"
        rule += "" if free else f", standard error over deviation {ERRORS[0]} to {ERRORS[1]}"
        text = f"{rows['coverage'].min():.1%} to {rows['coverage'].max():.1%}"
        text += "" if free else f"; {rows['errors'].min():.2f} to {rows['errors'].max():.2f}"
        yield Verdict(rule, text, bool(fits.all()))


def page(tables: CellTables) -> Page:
    """Judge the coverage."""
    table = coverage(tables)
    return Page("censoring", list(_lines(table)), {"censoring": table})


def _lines(table: pd.DataFrame) -> Iterator[str]:
    own, weighted = table[table["process"] == PROCESS], table[table["process"] != PROCESS]
    made = int(table["made"].max())
    yield "# How often intervals under informative censoring hold the truth\n"
    yield (
        f"{made_by()}: {made:,} cohorts a cell, drawn as counts, {DRAWS:,} draws: five levels over three plans, an "
        "effect of the score that fades and differs by plan, and follow-up that ends early more often where the score "
        "is high. The truth is what retention is if customers leave half or twice as fast once their follow-up has "
        "ended, and how many times as fast the better group must leave for the difference to be 0, in the cohort's own "
        f"mix. The Monte Carlo error of a coverage of 95 % is {monte_carlo_error(0.95, made):.1%}."
    )
    yield (
        "\nWith weights for censoring the law is another one: customers give csat as well, or do not, and a third "
        "score that tells nothing. csat is no stratum; it tells who leaves, most where the score is high and less "
        "with time, and whose follow-up ends. The truth is retention if nobody's follow-up ended, in the cohort's "
        "own mix of scores and plans. Beside it stands Kaplan–Meier without weights, as the headline has it.\n"
    )
    for law in LAWS.values():
        yield f"- `{law.name}`: {law.about}."
    yield from rules([*verdicts(own), *weight_verdicts(weighted)])
    yield "\n## Every cell\n"
    columns = {
        "estimand": "{estimand}", "group": "{group}", "scenario": "{scenario}", "customers": "{customers:,}",
        "truth": "{truth:.4g}", "coverage": "{coverage:.1%}", "mean error": "{bias:+.2g}",
        "standard error over deviation": "{errors:.2f}",
    }  # fmt: skip
    yield from shown(own.sort_values(["estimand", "group", "scenario", "customers"]), columns)
    yield "\n## Weights for censoring\n"
    named = weighted.assign(scenario=weighted["scenario"].replace({"": "headline"}))
    order = ["process", "estimand", "group", "scenario", "customers"]
    yield from shown(named.sort_values(order), {"law": "{process}", **columns})


CENSORED = Proof(
    "censoring",
    "retention under informative censoring, its tipping point, and retention weighted for it, hold the truth",
    cells,
    page,
)
