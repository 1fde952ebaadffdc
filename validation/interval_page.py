"""The page of the intervals: coverage of every process, its rules and a figure."""

import os
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlink.study.processes import processes
from cxlink.study.repeated import DRAWS
from validation.coverage_figure import coverage_figure
from validation.judge import Rule, judged
from validation.page import Page, held, made_by, markdown_table
from validation.process import stacked
from validation.replicate import processors

FEWEST = 200
SMALL, LARGE = 20_000, 1_000_000
ENDS = ("1", "10", "worst", "best")


_HEADLINE = "judged and adjusted == 'standardised'"
_TIME = f"{_HEADLINE} and not spends"
RULES = (
    Rule("retention and tenure, average over levels", 0.93, 0.97, f"{_TIME} and is_level",
         over=("process", "customers", "estimand")),
    Rule("retention and tenure, each group and contrast, 20,000 customers", 0.925, 0.975,
         f"{_TIME} and enough and customers == {SMALL}"),
    Rule("retention and tenure, each group and contrast, a million customers", 0.91, 0.98,
         f"{_TIME} and enough and customers == {LARGE}"),
    Rule("spend, each group and contrast", 0.90, 1.0, f"{_HEADLINE} and spends"),
    Rule("unadjusted, both ends of the scale: to fail", 0.0, 0.80,
         "judged and confounded and adjusted == 'no' and scenario == '' and at_an_end and reference == ''"),
    Rule("no effect: the contrast holds zero, 20,000 customers", 0.925, 0.975,
         f"{_TIME} and process == 'no_effect' and estimand == 'retention_difference' and group == 'best' "
         f"and customers == {SMALL}"),
    Rule("no effect: the contrast holds zero, a million customers", 0.91, 0.98,
         f"{_TIME} and process == 'no_effect' and estimand == 'retention_difference' and group == 'best' "
         f"and customers == {LARGE}"),
    Rule("no effect, counted from signup: the contrast to miss zero", 0.0, 0.80,
         "process == 'no_effect' and scenario == 'from_signup' and estimand == 'retention_difference' "
         "and group == 'best'"),
)  # fmt: skip


def verdicts(table: pd.DataFrame, sparse: pd.DataFrame) -> pd.DataFrame:
    """Judge every rule for every seed, and the levels of few customers: ``seed``, then as `judge.judged` gives it."""
    laws = processes()
    marked = table.assign(
        judged=table["process"].map(lambda name: laws[name].judged),
        confounded=table["process"].map(lambda name: laws[name].confounded),
        spends=table["estimand"].str.startswith("spend"),
        is_level=table["group"].str.isdigit() & table["reference"].eq(""),
        at_an_end=table["group"].isin(ENDS),
        enough=table["n"] >= FEWEST,
    )
    few = tuple(
        Rule(f"levels of few customers, {model}", 0.90, 1.0, f"model == '{model}'")
        for model in sparse["model"].unique()
    )
    made = []
    for asked, rules in ((marked, RULES), (sparse, few)):
        for seed, rows in asked.groupby("seed", sort=False):
            one = judged(rows, rules)
            one.insert(0, "seed", seed)
            made.append(one)
    return stacked(made)


def interval_page(table: pd.DataFrame, sparse: pd.DataFrame) -> Page:
    """Make ``README.md``, ``coverage.csv``, ``sparse.csv``, ``verdicts.csv`` and the figure.

    Parameters
    ----------
    table : DataFrame
        As `interval_proof.coverage` gives it, of every seed.
    sparse : DataFrame
        The same of the sparse levels: ``customers, model, truth, coverage`` and so on.
    """
    found = verdicts(table, sparse)
    tables = {"coverage": table, "sparse": sparse, "verdicts": found}
    lines = [*_head(), *_processes(table), *_verdicts(found), *_averages(table), *_sparse(sparse)]
    return Page("README", lines, tables, {"coverage": coverage_figure(table)})


def _head() -> Iterator[str]:
    yield "# How often the intervals hold the truth"
    yield ""
    yield (
        f"{made_by()}, on {_machine()}: simulated "
        "cohorts with a known truth, drawn as cell counts and analysed as `cxlink fit` analyses them, 95 % intervals "
        f"from {DRAWS} draws. "
        "The truth of a standardised figure is that of the cohort's own mix of strata, whose weights the intervals "
        "hold fixed: they say how well the figure is known for these customers, not how their mix would vary."
    )
    yield ""
    yield "![Coverage by process, unadjusted and standardised](coverage.svg)"


def _machine() -> str:
    """How large the machine is: processors and memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{processors()} processors and {memory:.0f} GB"


def _processes(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## The processes\n"
    for process in (one for name, one in processes().items() if name in set(table["process"])):
        yield f"- `{process.name}`: {process.about}" + ("" if process.judged else " Shown, not judged.")


def _verdicts(verdicts: pd.DataFrame) -> Iterator[str]:
    yield "\n## The rules\n"
    seeds = verdicts["seed"].unique()
    rows = []
    for name, asked in verdicts.groupby("rule", sort=False):
        first, by_seed = asked.iloc[0], {r["seed"]: r for r in asked.to_dict("records")}
        said = (_found(by_seed[seed]) if seed in by_seed else "" for seed in seeds)
        rows.append((name, f"{first['low']:.1%} to {first['high']:.1%}", *said))
    yield from markdown_table(("rule", "wanted", *(f"seed {seed}" for seed in seeds)), rows)


def _found(verdict: Mapping[Hashable, Any]) -> str:
    return f"{verdict['lowest']:.1%} to {verdict['highest']:.1%}, {held(verdict['held'])}"


def _averages(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## Average coverage over the levels\n"
    levels = table[table["group"].str.isdigit() & table["reference"].eq("") & table["scenario"].eq("")]
    shown = []
    for (process, n, estimand), rows in levels.groupby(["process", "customers", "estimand"], sort=False):
        adjusted, plain = (rows.loc[rows["adjusted"] == a, "coverage"] for a in ("standardised", "no"))
        means = (f"{value:.1%}" for value in (adjusted.mean(), adjusted.min(), plain.mean()))
        shown.append((process, f"{n:,}", estimand, *means))
    yield from markdown_table(
        ("process", "customers", "quantity", "standardised", "lowest level", "unadjusted"), shown
    )


def _sparse(sparse: pd.DataFrame) -> Iterator[str]:
    yield "\n## Levels of few customers\n"
    yield (
        "Coverage of retention at month 12 for levels of 20, 50 and 200 customers beside a thousand others, by the "
        f"true S(12); {int(sparse['made'].max()):,} cohorts each."
    )
    yield ""
    heights, rows = sorted(sparse["truth"].unique()), []
    for (model, n), levels in sparse.groupby(["model", "customers"], sort=False):
        found = levels.set_index("truth")["coverage"]
        rows.append((model, n, *(f"{found.get(height, np.nan):.1%}" for height in heights)))
    yield from markdown_table(("model", "customers", *(f"{height:g}" for height in heights)), rows)
