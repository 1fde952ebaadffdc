"""The page on surveys counted in other ways: its rules, its laws, and every quantity that was tallied."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from validation.judge import Verdict, monte_carlo_error
from validation.page import Page, made_by, markdown_table, rules, short_run, shown
from validation.survey_laws import GAP, WAVES, SurveyLaw
from validation.wave_standards import additive_curves, observed_curves
from validation.wave_truths import (
    AT_RISK,
    HORIZON,
    MAIN,
    PER_CUSTOMER,
    UNTIL_NEXT,
    change_truths,
    expected,
    level_truths,
    wave_laws,
)

LARGE, PLANNED = 20_000, 400
"""Customers from which the stricter band holds; cohorts of a whole run."""
BAND, SMALL_BAND, ERRORS = (0.92, 0.98), (0.90, 0.99), (0.90, 1.15)
"""Coverage that is wanted, at fewer customers, and mean standard error over the deviation."""
_WIDER = 0.01
"""How much wider each side the bands of coverage are of so many cohorts, whose fits take over a second."""
_KINDS = {
    "no": "levels, unadjusted", "standardised": "levels, standardised",
    "model": "levels, standardised, against what the model that leads tends to",
}  # fmt: skip
_CHANGES = "changes"


def wave_page(table: pd.DataFrame) -> Page:
    """Judge the coverage.

    Parameters
    ----------
    table : DataFrame
        Of `wave_proof.results`.
    """
    return Page("waves", list(_lines(_with_kinds(table))), {"waves": table})


def verdicts(table: pd.DataFrame) -> Iterator[Verdict]:
    """Judge each scenario, kind of quantity and law at both sizes, by the bands of rule 18.

    Every row by itself; of a short run a row may lie two Monte Carlo errors of so many cohorts beyond the limits.
    """
    for (way, kind, process), rows in _with_kinds(table).groupby(["way", "kind", "process"], sort=False):
        held, found = True, []
        for large, own in rows.groupby(rows["customers"] >= LARGE):
            made = int(own["cohorts"].min())
            short = made < PLANNED
            slack = 2 * monte_carlo_error(0.95, made) if short else _WIDER
            low, high = BAND if large else SMALL_BAND
            held &= bool(own["coverage"].between(low - slack, high + slack).all())
            found.append(f"{own['customers'].iloc[0]:,}: {_range(own['coverage'], '.1%')}")
            if large:
                slack = float(np.sqrt(2 / made)) if short else 0.0
                held &= bool(own["errors"].between(ERRORS[0] - slack, ERRORS[1] + slack).all())
                found.append(f"errors {_range(own['errors'], '.2f')}")
        yield Verdict(f"{way}, {kind}, {process}", "; ".join(found), held)


def _range(values: pd.Series, form: str) -> str:
    return f"{values.mean():{form}} ({values.min():{form}} to {values.max():{form}})"


def _with_kinds(table: pd.DataFrame) -> pd.DataFrame:
    kinds = table["adjusted"].map(_KINDS)
    made = table.assign(kind=kinds.mask(table["change"] != "", _CHANGES))
    return made.sort_values(
        ["way", "kind", "process", "customers"], kind="stable", ascending=[False, True, True, True]
    )


def _lines(table: pd.DataFrame) -> Iterator[str]:
    made = int(table["cohorts"].min())
    yield "# Surveys followed to the next one, and with each customer counted once\n"
    yield (
        f"{made_by()}: at least {made:,} cohorts a cell, drawn as counts: {WAVES} waves {GAP} months apart, scores 1 "
        f"to 5, observed until {HORIZON} months after the last wave; 95 % intervals of retention {HORIZON} months "
        "after a survey, beyond the next wave, by the model that leads in each cohort. The Monte Carlo error of a "
        f"coverage of 95 % is {monte_carlo_error(0.95, made):.1%}.{short_run(made, PLANNED)}"
    )
    yield (
        f"\n`{UNTIL_NEXT}`: the follow-up of a survey ends at the customer's next one. `{PER_CUSTOMER}`: a survey "
        "weighs 1 by the number that its customer answered. Truths are enumerated over every sequence of answers, for "
        "each value of the trait."
    )
    yield "\n## The laws\n"
    for law in wave_laws().values():
        drawn = (
            ""
            if law.name in set(table["process"])
            else " (no cohorts are drawn from it: its values stand below)"
        )
        yield f"- `{law.name}`: {law.about}{drawn}."
    yield from _what_each_asks()
    yield (
        f"\nEvery row of the last table is judged by itself. At {LARGE:,} customers: coverage of {BAND[0]:.0%} to "
        f'{BAND[1]:.0%}, mean standard error over the deviation ("errors") .9 to 1.15; at fewer: coverage of '
        f"{SMALL_BAND[0]:.0%} to {SMALL_BAND[1]:.0%}. Fits take over a second, so that {PLANNED} cohorts are planned "
        "and coverage has a point more each side; of a short run, two Monte Carlo errors, and errors too "
        "(this allowance was set after the first 20 cohorts were seen). "
        "What was found: the mean over rows, and the least and the largest."
    )
    yield from rules(verdicts(table))
    yield from _what_leads()
    yield "\n## Every cell\n"
    columns = {
        "scenario": "{way}", "what": "{kind}", "estimand": "{estimand}", "change": "{change}", "group": "{group}",
        "law": "{process}", "customers": "{customers:,}", "truth": "{truth:+.4f}", "coverage": "{coverage:.1%}",
        "mean error": "{bias:+.2g}", "standard error over deviation": "{errors:.2f}",
    }  # fmt: skip
    yield from shown(table, columns)


def _what_each_asks() -> Iterator[str]:
    """Retention of the worst and the best score, and the contrasts of a fall, by how surveys are counted."""
    yield "\n## What each way to count asks\n"
    yield (
        f'Retention {HORIZON} months after a survey, and differences in points. "Not asked again" is what '
        f"`{UNTIL_NEXT}` stands for: retention had nobody been surveyed again. It is the same where the score itself "
        "acts; under a trait that is not recorded those censored at the next survey are others than those who go on "
        "to be followed, and where customers of a low trait answer less often they are more so.\n"
    )
    head = (
        "law", "counted", "score 1", "score 5", "score 1 not asked again", "score 5 not asked again",
        "fall, given the last", "fall, given the present",
    )  # fmt: skip
    yield from markdown_table(
        head, (_asked(law, way) for law in wave_laws().values() for way in (MAIN, UNTIL_NEXT, PER_CUSTOMER))
    )


def _asked(law: SurveyLaw, way: str) -> tuple[str, ...]:
    levels, changes = level_truths(law, way), change_truths(law, way)
    unasked = [f"{_unasked(law, level):.1%}" if way == UNTIL_NEXT else "" for level in (1, 5)]
    falls = [100 * (a - b) for a, b in (changes["fall", beside] for beside in ("last", "present"))]
    return (
        f"`{law.name}`", way if way == MAIN else f"`{way}`", f"{levels['1']:.1%}", f"{levels['5']:.1%}", *unasked,
        *(f"{fall:+.1f}" for fall in falls),
    )  # fmt: skip


def _unasked(law: SurveyLaw, level: int) -> float:
    cells = expected(law, UNTIL_NEXT)
    own = cells[cells["score"] == level]
    return float(own["unasked"].sum() / own[AT_RISK[0]].sum())


def _what_leads() -> Iterator[str]:
    """What the additive model tends to, beside the truth."""
    yield "\n## What the model that leads tends to\n"
    yield (
        "Five levels over sixteen strata (the score before, its number, the time since): levels are compared by "
        "Kaplan–Meier where nine tenths of the surveys are in strata in which both have customers of two buckets or "
        "more; else, as at 1,500 customers, by proportional hazards, additive in levels and strata. That model holds "
        "where the score itself acts, followed to the next survey; elsewhere it tends to other values than the truth. "
        "Standardised retention, in %:\n"
    )
    yield from markdown_table(
        ("law", "counted", "score", "truth", "tends to"),
        (
            (f"`{law.name}`", f"`{way}`", level, *(f"{100 * _mean(law, way, curves, level):.1f}" for curves in both))
            for law in wave_laws().values()
            for way in (UNTIL_NEXT, PER_CUSTOMER)
            for both in ((observed_curves(law, way), additive_curves(law, way)),)
            for level in (1, 3, 5)
        ),
    )  # fmt: skip


def _mean(law: SurveyLaw, way: str, curves: dict[tuple[object, ...], float], level: int) -> float:
    """Average of a level's curves over all surveys' strata."""
    cells, total, weights = expected(law, way), 0.0, 0.0
    for (_, *stratum), surveys in zip(observed_curves(law, way), cells[AT_RISK[0]], strict=True):
        total += surveys * curves[level, *stratum]
        weights += surveys
    return total / weights
