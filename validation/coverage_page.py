"""The page of the proof: tables, verdicts by rules that were written before the run, and a picture."""

import os
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlink import __version__
from cxlink.estimands.tidy import csv_text
from cxlink.report.figures.drawing import svg
from cxlink.study.processes import processes
from cxlink.study.repeated import DRAWS
from validation.coverage_figure import coverage_figure

FEWEST = 200
SMALL, LARGE = 20_000, 1_000_000
ENDS = ("1", "10", "worst", "best")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is asked of the coverage of some intervals.

    Attributes
    ----------
    name : str
        A sentence.
    low, high : float
        Where every value must lie.
    average : bool
        Whether values are averages over levels; otherwise each quantity is judged by itself.
    query : str
        Which rows, in pandas' words.
    """

    name: str
    low: float
    high: float
    average: bool
    query: str


_HEADLINE = "judged and adjusted == 'standardised'"
_TIME = f"{_HEADLINE} and not spends"
RULES = (
    Rule("retention and tenure, average over levels", 0.93, 0.97, True, f"{_TIME} and is_level"),
    Rule("retention and tenure, each group and contrast, 20,000 customers", 0.925, 0.975, False,
         f"{_TIME} and enough and customers == {SMALL}"),
    Rule("retention and tenure, each group and contrast, a million customers", 0.91, 0.98, False,
         f"{_TIME} and enough and customers == {LARGE}"),
    Rule("spend, each group and contrast", 0.90, 1.0, False, f"{_HEADLINE} and spends"),
    Rule("unadjusted, both ends of the scale: to fail", 0.0, 0.80, False,
         "judged and confounded and adjusted == 'no' and scenario == '' and at_an_end and reference == ''"),
    Rule("no effect: the contrast holds zero, 20,000 customers", 0.925, 0.975, False,
         f"{_TIME} and process == 'no_effect' and estimand == 'retention_difference' and group == 'best' "
         f"and customers == {SMALL}"),
    Rule("no effect: the contrast holds zero, a million customers", 0.91, 0.98, False,
         f"{_TIME} and process == 'no_effect' and estimand == 'retention_difference' and group == 'best' "
         f"and customers == {LARGE}"),
    Rule("no effect, counted from signup: the contrast to miss zero", 0.0, 0.80, False,
         "process == 'no_effect' and scenario == 'from_signup' and estimand == 'retention_difference' "
         "and group == 'best'"),
)  # fmt: skip


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Judge every rule for every seed: ``seed, rule, values, lowest, highest, low, high, held``."""
    laws = processes()
    marked = table.assign(
        judged=table["process"].map(lambda name: laws[name].judged),
        confounded=table["process"].map(lambda name: laws[name].confounded),
        spends=table["estimand"].str.startswith("spend"),
        is_level=table["group"].str.isdigit() & table["reference"].eq(""),
        at_an_end=table["group"].isin(ENDS),
        enough=table["n"] >= FEWEST,
    )
    return pd.DataFrame(
        _verdict(rule, seed, rows) for seed, rows in marked.groupby("seed", sort=False) for rule in RULES
    )


def _verdict(rule: Rule, seed: object, rows: pd.DataFrame) -> dict[str, object]:
    rows = rows.query(rule.query, engine="python")
    found = rows["coverage"]
    if rule.average:
        found = rows.groupby(["process", "customers", "estimand"])["coverage"].mean()
    return {
        "seed": seed, "rule": rule.name, "values": len(found), "lowest": found.min(), "highest": found.max(),
        "low": rule.low, "high": rule.high, "held": bool(len(found) and found.between(rule.low, rule.high).all()),
    }  # fmt: skip


def _few(sparse: pd.DataFrame) -> pd.DataFrame:
    """Judge the levels of few customers: ``judged``'s columns."""
    rules = [
        Rule(f"levels of few customers, {model}", 0.90, 1.0, False, f"model == '{model}'")
        for model in sparse["model"].unique()
    ]
    return pd.DataFrame([_verdict(rule, sparse["seed"].iloc[0], sparse) for rule in rules])


def write_page(table: pd.DataFrame, sparse: pd.DataFrame, folder: Path) -> None:
    """Write ``coverage.csv``, ``sparse.csv``, ``verdicts.csv``, the picture and ``README.md``.

    Parameters
    ----------
    table : DataFrame
        As `coverage.collected` gives it, of every seed.
    sparse : DataFrame
        The same of the sparse levels: ``customers, model, truth, coverage`` and so on.
    folder : Path
        Where they go.
    """
    verdicts = pd.concat([judged(table), _few(sparse)], ignore_index=True)
    for name, made in (("coverage", table), ("sparse", sparse), ("verdicts", verdicts)):
        (folder / f"{name}.csv").write_text(csv_text(made), encoding="utf-8", newline="")
    (folder / "coverage.svg").write_text(svg(coverage_figure(table)), encoding="utf-8")
    (folder / "README.md").write_text("\n".join(_page(table, sparse, verdicts)), encoding="utf-8")


def _page(table: pd.DataFrame, sparse: pd.DataFrame, verdicts: pd.DataFrame) -> Iterator[str]:
    yield "# How often the intervals hold the truth"
    yield ""
    yield (
        f"Made by `make coverage` with cxlink {__version__}, {datetime.now(UTC):%Y-%m-%d}, on {_machine()}: simulated "
        "cohorts with a known truth, drawn as cell counts and analysed as `cxlink fit` analyses them, 95 % intervals "
        f"from {DRAWS} draws. "
        "The truth of a standardised figure is that of the cohort's own mix of strata, whose weights the intervals "
        "hold fixed: they say how well the figure is known for these customers, not how their mix would vary."
    )
    yield ""
    yield "![Coverage by process, unadjusted and standardised](coverage.svg)"
    yield from _processes(table)
    yield from _verdicts(verdicts)
    yield from _averages(table)
    yield from _sparse(sparse)


def _machine() -> str:
    """How large the machine is: processors and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} processors and {memory:.0f} GB"


def _processes(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## The processes\n"
    for law in (law for name, law in processes().items() if name in set(table["process"])):
        yield f"- `{law.name}`: {law.about}" + ("" if law.judged else " Shown, not judged.")


def _verdicts(verdicts: pd.DataFrame) -> Iterator[str]:
    yield "\n## The rules\n"
    seeds = verdicts["seed"].unique()
    yield "| rule | wanted | " + " | ".join(f"seed {seed}" for seed in seeds) + " |"
    yield "|---|---|" + "---|" * len(seeds)
    for name, rows in verdicts.groupby("rule", sort=False):
        first, by_seed = rows.iloc[0], {r["seed"]: r for r in rows.to_dict("records")}
        cells = (_found(by_seed[seed]) if seed in by_seed else "" for seed in seeds)
        yield f"| {name} | {first['low']:.1%} to {first['high']:.1%} | " + " | ".join(cells) + " |"


def _found(verdict: Mapping[Hashable, Any]) -> str:
    held = "held" if verdict["held"] else "**not held**"
    return f"{verdict['lowest']:.1%} to {verdict['highest']:.1%}, {held}"


def _averages(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## Average coverage over the levels\n"
    yield "| process | customers | quantity | standardised | lowest level | unadjusted |\n|---|---|---|---|---|---|"
    levels = table[table["group"].str.isdigit() & table["reference"].eq("") & table["scenario"].eq("")]
    for (process, n, estimand), rows in levels.groupby(["process", "customers", "estimand"], sort=False):
        adjusted, plain = (rows.loc[rows["adjusted"] == a, "coverage"] for a in ("standardised", "no"))
        yield (
            f"| {process} | {n:,} | {estimand} | {adjusted.mean():.1%} | {adjusted.min():.1%} | {plain.mean():.1%} |"
        )


def _sparse(sparse: pd.DataFrame) -> Iterator[str]:
    yield "\n## Levels of few customers\n"
    yield (
        "Coverage of retention at month 12 for levels of 20, 50 and 200 customers beside a thousand others, by the "
        f"true S(12); {int(sparse['made'].max()):,} cohorts each."
    )
    yield ""
    heights = sorted(sparse["truth"].unique())
    yield "| model | customers | " + " | ".join(f"{height:g}" for height in heights) + " |"
    yield "|---|---|" + "---|" * len(heights)
    for (model, n), rows in sparse.groupby(["model", "customers"], sort=False):
        found = rows.set_index("truth")["coverage"]
        shown = (f"{found.get(height, np.nan):.1%}" for height in heights)
        yield f"| {model} | {n} | " + " | ".join(shown) + " |"
