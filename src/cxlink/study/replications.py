"""Coverage of intervals: cohorts drawn from a process, analysed and tallied.

A tally is a table of sums, so that blocks of replications can be added in any order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import has_spend, spells_of
from cxlink.cohort.spec.scales import parse_levels
from cxlink.cohort.strata import stratum_column
from cxlink.estimands.headline import from_signup, headline_of
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.groups.curves import restricted_mean
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.study.cells import counted_from_signup, draw, spec_of
from cxlink.study.population import HORIZON, LEVELS, NEEDS, WINDOW
from cxlink.study.processes import BANDS, Process

QUANTITY = ["estimand", "model", "group", "reference", "adjusted", "scenario"]
SUMS = [
    "made",
    "held",
    "below",
    "above",
    "sum_truth",
    "sum_bias",
    "sum_sq",
    "sum_error",
    "sum_width",
    "sum_n",
]
TALLY = [*QUANTITY, *SUMS]


def true_values(
    process: Process, counts: Counts | None = None, contrasts: Sequence[str] = ()
) -> dict[tuple[str, str, str], float]:
    """Standardised truth of every level, both bands and their contrasts, by estimand, group and reference.

    Parameters
    ----------
    process : Process
        The data-generating process.
    counts : Counts, optional
        A cohort drawn from it: standardisation conditions on the weights of its strata and levels, which are part of
        the estimand. Without it, the weights are those of the process.
    contrasts : sequence of str
        Contrasts beside those of both bands and every level with worst, such as ``4-6:1-3``.
    """
    scored = process.scored if counts is None else joint_shares(counts, process.scored.shape)
    groups = {"worst": process.worst, "best": process.best} | {str(level): (level,) for level in LEVELS}
    pairs = [(name, "worst") for name in groups if name != "worst"]
    for group, reference in (text.split(":") for text in contrasts):
        groups |= {side: parse_levels(side) for side in (group, reference)}
        pairs.append((group, reference))
    values: dict[tuple[str, str, str], float] = {}
    for estimand, by_level in _by_level(process, scored.sum(axis=1)).items():
        value = {name: band_mean(scored, by_level, levels) for name, levels in groups.items()}
        values |= {(estimand, name, ""): value[name] for name in groups}
        for group, reference in pairs:
            values[f"{estimand}_difference", group, reference] = value[group] - value[reference]
            values[f"{estimand}_ratio", group, reference] = value[group] / value[reference]
    return values


def joint_shares(counts: Counts, shape: tuple[int, int]) -> np.ndarray:
    """Joint shares of stratum and level in a cohort, shape (n_strata, n_levels)."""
    cells = counts.cells
    need, band = (
        pd.Categorical(cells[stratum_column(name)], categories=names).codes.astype(int)
        for name, names in (("need", NEEDS), ("tenure", BANDS))
    )
    pair = (need * len(BANDS) + band) * len(LEVELS) + cells["score"].to_numpy(int) - 1
    total: np.ndarray = np.bincount(pair, cells["n"], shape[0] * shape[1]).reshape(shape)
    shares: np.ndarray = total / total.sum()
    return shares


def _by_level(process: Process, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Standardised truth of each level, shape (n_levels,)."""
    values: dict[str, np.ndarray] = {}
    months_paid: np.ndarray | float = WINDOW
    if process.survival is not None:
        curve = np.einsum("g,gst->st", weight, process.survival)
        values |= {"retention": curve[:, HORIZON], "tenure": restricted_mean(curve, HORIZON)}
        months_paid = process.survival[:, :, :WINDOW].sum(axis=2)
    if process.spending is not None:
        spending = process.spending
        yearly = np.einsum("gk,gsk,gsk->gs", spending.class_share, spending.buys, spending.mean)
        values["spend"] = weight @ (yearly * months_paid / WINDOW)
    return values


def band_mean(scored: np.ndarray, by_level: np.ndarray, levels: tuple[int, ...]) -> float:
    """Value of a band: its levels weighted by their shares; NaN without customers."""
    at = np.array(levels) - 1
    share = scored.sum(axis=0)[at]
    return float(by_level[at] @ share / share.sum()) if share.sum() else float("nan")


def replicated(
    process: Process, n: int, draws: int, rng: np.random.Generator, contrasts: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Rows of one cohort, each with its ``truth``: the headline, unadjusted and standardised, and from signup."""
    counts = draw(process, n, spec_of(process, draws, contrasts), rng)
    rows = headline_rows(counts, rng)
    if process.naive:
        rows += from_signup(counted_from_signup(counts, rng), rng)
    truth = true_values(process, counts, contrasts)
    keyed = [(row, (row["estimand"], row["group"], row.get("reference", ""))) for row in rows]
    return [{**row, "truth": truth[key]} for row, key in keyed if key in truth]


def headline_rows(counts: Counts, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Rows of the whole cohort at the horizon, each by itself, as `cxlink.estimands.headline` makes them."""
    spec, spells = counts.spec, spells_of(counts)
    curves: list[Request] = []
    spend: list[Request] = []
    times, ladder = np.array([0, spec.horizon]), (spec.horizon,)
    if spec.subscription is not None:
        average = standardised(spells, spec, reaches(spells, spec.horizon))
        overall = [r for r in (pooled(spells, spec), average) if r is not None]
        curves = [replace(request, times=times, horizons=ladder) for request in overall]
    if spec.spend is not None:
        average = standardised(spells, spec, has_spend(spells))
        spend = [r for r in (pooled(spells, spec), average) if r is not None]
    rows = headline_of(spells, counts, curves, spend, rng)[0]
    return [row for row in rows if row.get("scenario") != SIMULTANEOUS]


def tally(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Tally rows with a known truth: intervals that cover it or lie below or above, sums of errors and widths.

    Parameters
    ----------
    rows : iterable of mapping
        Of any number of cohorts, each with its ``truth``.

    Returns
    -------
    DataFrame
        Columns `TALLY`, one row a quantity.
    """
    columns = [*QUANTITY, "estimate", "std_error", "conf_low", "conf_high", "n", "truth"]
    table = pd.DataFrame(list(rows)).reindex(columns=columns)
    table[QUANTITY] = table[QUANTITY].fillna("")
    value, low, high = table["truth"], table["conf_low"], table["conf_high"]
    error = table["estimate"] - value
    table = table.assign(
        made=1, held=((low <= value) & (value <= high)).astype(int), below=(high < value).astype(int),
        above=(low > value).astype(int), sum_truth=value, sum_bias=error, sum_sq=error**2,
        sum_error=table["std_error"], sum_width=high - low, sum_n=table["n"].astype(float),
    )  # fmt: skip
    return table.groupby(QUANTITY, sort=True, as_index=False)[SUMS].sum()


def added(tallies: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Add tallies up."""
    pooled = pd.concat(list(tallies), ignore_index=True)
    pooled[QUANTITY] = pooled[QUANTITY].fillna("")
    return pooled.groupby(QUANTITY, sort=True, as_index=False)[SUMS].sum()


def summary(tallied: pd.DataFrame, replications: int) -> pd.DataFrame:
    """Summarise a tally: coverage, bias and standard errors.

    Parameters
    ----------
    tallied : DataFrame
        Columns `TALLY`.
    replications : int
        Number of cohorts; an estimate missing in a cohort counts as an interval that does not cover.

    Returns
    -------
    DataFrame
        `QUANTITY`, ``truth`` (mean), ``n`` (mean number of customers), ``made``, ``coverage``, ``below``, ``above``
        (shares of intervals that end below the truth, or begin above it), ``bias`` (mean estimate less truth),
        ``deviation`` (standard deviation of estimate less truth), ``std_error`` and ``width`` (means of the
        intervals').
    """
    made = tallied["made"]
    bias = tallied["sum_bias"] / made
    variance = (tallied["sum_sq"] - made * bias**2) / (made - 1).clip(lower=1)
    return tallied[QUANTITY].assign(
        truth=tallied["sum_truth"] / made, n=tallied["sum_n"] / made, made=made,
        coverage=tallied["held"] / replications,
        below=tallied["below"] / replications, above=tallied["above"] / replications, bias=bias,
        deviation=np.sqrt(variance.clip(lower=0)), std_error=tallied["sum_error"] / made,
        width=tallied["sum_width"] / made,
    )  # fmt: skip
