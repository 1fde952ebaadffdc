"""The page of the proof of extrapolated tenure: one table a horizon, and verdicts by rules written before the run."""

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from validation.judge import Verdict
from validation.page import Page, made_by, markdown_table, rules
from validation.tenure_truths import LONGEST, YEAR, tenure_truths

DRAWS = 500
AVERAGES = ("averaged_aic", "averaged_backtest")
SHIPPED, LEAST_HELD, MOST_OF_EQUAL = "spliced", 0.93, 0.75
"""The model that is shipped; what it is to hold on average, and its mean width over that of equal weights."""
SHOWN = ("spliced", "averaged_aic", "averaged_backtest", "averaged_equal", "exponential")
_NAMES = {
    "spliced": "observed, continued",
    "averaged_aic": "average by AIC", "averaged_backtest": "average by backtest", "averaged_equal": "equal weights",
    "exponential": "constant hazard",
}  # fmt: skip


def verdicts(table: pd.DataFrame) -> list[Verdict]:
    """Judge the table, as `tenure_proof.coverage` gives it."""
    truths = tenure_truths()
    inside = table[table["process"].map(lambda name: truths[name].inside) & table["model"].ne("")]
    twice = inside[inside["horizon"] == 2 * inside["follow_up"]]
    decade = inside[(inside["horizon"] == LONGEST) & (inside["follow_up"] == YEAR)]
    found = []
    for when, rows in (("at twice the follow-up", twice), (f"from {YEAR} months to {LONGEST}", decade)):
        coverage = rows.groupby("model")["coverage"].mean().to_dict()
        width = rows.groupby("model")["width"].mean().to_dict()
        lowest = rows.groupby("model")["coverage"].min().to_dict()
        equal = width["averaged_equal"]
        value, share = coverage[SHIPPED], width[SHIPPED] / equal
        text = f"{value:.1%} (lowest cell {lowest[SHIPPED]:.1%})"
        found.append(
            Verdict(f"{_NAMES[SHIPPED]}, {when}: at least 93 % on average", text, value >= LEAST_HELD)
        )
        rule = f"{_NAMES[SHIPPED]}, {when}: mean width at most .75 of equal weights'"
        found.append(Verdict(rule, f"{share:.2f}", share <= MOST_OF_EQUAL))
        for model in AVERAGES:
            value = coverage[model]
            text = f"{value:.1%} (lowest cell {lowest[model]:.1%})"
            found.append(Verdict(f"{_NAMES[model]}, {when}: at least 90 % on average", text, value >= 0.9))
            own = width[model]
            rule = f"{_NAMES[model]}, {when}: narrower than equal weights on average"
            found.append(Verdict(rule, f"{own:.3f} against {equal:.3f} of the truth", own < equal))
    constant = float(decade.loc[decade["model"] == "exponential", "coverage"].mean())
    rule = f"constant hazard, from {YEAR} months to {LONGEST}: under 50 %"
    found.append(Verdict(rule, f"{constant:.1%}", constant < 0.5))
    spiked = table[(table["process"] == "renewal_spike") & table["model"].eq("")]["coverage"]
    text = f"{spiked.min():.1%} to {spiked.max():.1%}"
    found.append(
        Verdict("a spike inside follow-up is flagged in at least 90 %", text, bool(spiked.min() >= 0.9))
    )
    return found


def tenure_page(table: pd.DataFrame) -> Page:
    """Make ``tenure.md`` and ``tenure.csv``.

    Parameters
    ----------
    table : DataFrame
        As `tenure_proof.coverage` gives it.
    """
    lines = [
        *_head(table), *rules(verdicts(table)), *_at(table, 2 * table["follow_up"], "At twice the follow-up"),
        *_at(table, LONGEST, f"From {YEAR} months to {LONGEST}"),
    ]  # fmt: skip
    return Page("tenure", lines, {"tenure": table})


def _head(table: pd.DataFrame) -> Iterator[str]:
    made = table.loc[table["model"] == "", "n"].astype(int)
    cohorts = f"{made.max()}" if made.min() == made.max() else f"{made.min()} to {made.max()}"
    yield "# How often extrapolated tenure holds the truth"
    yield ""
    yield (
        f"{made_by()}: {cohorts} simulated cohorts "
        "a cell, each with three score levels of which 43 %, 60 % and 74 % are retained after a year, followed for "
        f"one year or two; 95 % intervals from {DRAWS} draws, over the three levels. The averages and the constant "
        "hazard are made of every tenth cohort alone. Widths and errors are relative to the truth."
    )
    yield "\n## The truths\n"
    for truth in tenure_truths().values():
        yield f"- `{truth.name}`: {truth.about}." + (
            "" if truth.inside else " Outside the menu: shown, not judged."
        )


def _at(table: pd.DataFrame, horizon: pd.Series | int, title: str) -> Iterator[str]:
    """A row for each cell that has the horizon."""
    yield f"\n## {title}\n"
    yield "Coverage (mean width; mean error).\n"
    wanted = table[(table["horizon"] == horizon) & table["model"].isin(SHOWN)]
    rows = []
    for process in tenure_truths():
        mine = wanted[wanted["process"] == process]
        for (customers, months), cell in mine.groupby(["customers", "follow_up"]):
            by_model = {row["model"]: row for row in cell.to_dict("records")}
            said = (_cell(by_model[model]) for model in SHOWN)
            rows.append((process, f"{customers:,}", f"{months} months", *said))
    yield from markdown_table(("truth", "customers", "follow-up", *(_NAMES[name] for name in SHOWN)), rows)


def _cell(row: Mapping[Hashable, Any]) -> str:
    return f"{row['coverage']:.1%} ({row['width']:.2f}; {row['error']:+.2f})"
