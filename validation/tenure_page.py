"""The page of the proof of extrapolated tenure: one table a horizon, and verdicts by rules written before the run."""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from cxlink import __version__
from cxlink.estimands.tidy import csv_text
from validation.tenure_laws import LONGEST, YEAR, tenure_laws
from validation.tenure_replications import DRAWS

AVERAGES = ("averaged_aic", "averaged_backtest")
SHOWN = ("averaged_aic", "averaged_backtest", "averaged_equal", "exponential")
_NAMES = {
    "averaged_aic": "average by AIC", "averaged_backtest": "average by backtest", "averaged_equal": "equal weights",
    "exponential": "constant hazard",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule, and what was found.

    Attributes
    ----------
    rule, found : str
        What was asked, and the figures.
    held : bool
        Whether it is so.
    """

    rule: str
    found: str
    held: bool


def verdicts(table: pd.DataFrame) -> list[Verdict]:
    """Judge the table, as `tenure_coverage.collected` gives it."""
    laws = tenure_laws()
    inside = table[table["process"].map(lambda name: laws[name].inside) & table["model"].ne("")]
    twice = inside[inside["horizon"] == 2 * inside["follow_up"]]
    decade = inside[(inside["horizon"] == LONGEST) & (inside["follow_up"] == YEAR)]
    found = []
    for when, rows in (("at twice the follow-up", twice), (f"from {YEAR} months to {LONGEST}", decade)):
        coverage = rows.groupby("model")["coverage"].mean().to_dict()
        width = rows.groupby("model")["width"].mean().to_dict()
        lowest = rows.groupby("model")["coverage"].min().to_dict()
        for model in AVERAGES:
            value = coverage[model]
            text = f"{value:.1%} (lowest cell {lowest[model]:.1%})"
            found.append(Verdict(f"{_NAMES[model]}, {when}: at least 90 % on average", text, value >= 0.9))
            own, equal = (width[name] for name in (model, "averaged_equal"))
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


def write_tenure_page(table: pd.DataFrame, folder: Path) -> None:
    """Write ``tenure.csv`` and ``tenure.md``.

    Parameters
    ----------
    table : DataFrame
        As `tenure_coverage.collected` gives it.
    folder : Path
        Where they go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tenure.csv").write_text(csv_text(table), encoding="utf-8", newline="")
    (folder / "tenure.md").write_text("\n".join(_page(table)) + "\n", encoding="utf-8")


def _page(table: pd.DataFrame) -> Iterator[str]:
    cohorts = int(table.loc[table["model"] == "", "n"].max())
    yield "# How often extrapolated tenure holds the truth"
    yield ""
    yield (
        f"Made by `make coverage` with cxlink {__version__}, {datetime.now(UTC):%Y-%m-%d}: {cohorts} simulated cohorts "
        "a cell, each with three score levels of which 43 %, 60 % and 74 % are still there after a year, followed for "
        f"one year or two; 95 % intervals from {DRAWS} draws, over the three levels. Widths and errors are relative to "
        "the truth."
    )
    yield "\n## The truths\n"
    for law in tenure_laws().values():
        yield f"- `{law.name}`: {law.about}." + (
            "" if law.inside else " Outside the menu: shown, not judged."
        )
    yield "\n## The rules\n"
    yield "| rule | found | |"
    yield "|---|---|---|"
    for verdict in verdicts(table):
        yield f"| {verdict.rule} | {verdict.found} | {'held' if verdict.held else '**not held**'} |"
    for horizon, title in ((None, "At twice the follow-up"), (LONGEST, f"From {YEAR} months to {LONGEST}")):
        rows = table[table["model"].isin(SHOWN)]
        wanted = rows["horizon"] == (2 * rows["follow_up"] if horizon is None else horizon)
        yield f"\n## {title}\n"
        yield "Coverage (mean width; mean error).\n"
        yield "| truth | customers | follow-up | " + " | ".join(_NAMES[name] for name in SHOWN) + " |"
        yield "|---|---|---|" + "---|" * len(SHOWN)
        shown = rows[wanted].to_dict("records")
        for process in tenure_laws():
            known = [row for row in shown if row["process"] == process]
            for customers, months in sorted({(row["customers"], row["follow_up"]) for row in known}):
                cell = {
                    r["model"]: r for r in known if (r["customers"], r["follow_up"]) == (customers, months)
                }
                said = (_cell(cell[model]) for model in SHOWN)
                yield f"| {process} | {customers:,} | {months} months | " + " | ".join(said) + " |"


def _cell(row: Mapping[Hashable, Any]) -> str:
    return f"{row['coverage']:.1%} ({row['width']:.2f}; {row['error']:+.2f})"
