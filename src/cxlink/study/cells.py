"""Cohorts simulated as cell counts, without single customers: the time hardly depends on their number."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.coding import LOST
from cxlink.cohort.count.counts import SPEND, Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.study.population import HORIZON, LEVELS, N_BANDS, NEEDS, WINDOW
from cxlink.study.processes import BANDS, FOLLOW_UP, MONTHS_BEFORE, Process, Spending


def spec_of(
    process: Process, draws: int, contrasts: Sequence[str] = (), horizons: Sequence[int] = (HORIZON,)
) -> CohortSpec:
    """Spec of the cohorts that `draw` makes of a process."""
    tables: dict[str, Any] = {
        "cohort": {"name": process.name, "simulated": True},
        "score": {"column": "score", "scale": "1-10", "worst": process.worst, "best": process.best},
        "adjust": {"columns": ["need", "tenure"]},
        "analysis": {
            "draws": draws,
            "tenure_horizons": list(horizons),
            "contrasts": ["best:worst", *contrasts],
        },
    }
    if process.survival is not None:
        tables["subscription"] = {"duration": "months", "event": "lost"}
    if process.spending is not None:
        tables["spend"] = {"column": "spend", "currency": "EUR", "window_months": WINDOW, "complete": True}
    return make_spec(tables)


def draw(
    process: Process,
    n: int,
    spec: CohortSpec,
    rng: np.random.Generator,
    follow_up: Mapping[int, float] = FOLLOW_UP,
) -> Counts:
    """Draw the counts of a cohort.

    Parameters
    ----------
    process : Process
        The distribution of its customers.
    n : int
        Number of customers with a score.
    spec : CohortSpec
        The result of `spec_of`.
    rng : Generator
        Advanced.
    follow_up : mapping of int to float
        Share of the customers who are followed for so many months.
    """
    pairs = rng.multinomial(n, process.scored.ravel())
    pair, leave, lost, followed, counted = _spells(process, pairs, rng, follow_up)
    stratum, level = np.divmod(pair, len(LEVELS))
    cells = pd.DataFrame(
        {
            "score": pd.array(np.array(LEVELS)[level], dtype="Int64"),
            "stratum.need": np.array(NEEDS, dtype=object)[stratum // N_BANDS],
            "stratum.tenure": np.array(BANDS, dtype=object)[stratum % N_BANDS],
            "entry": 0,
            "exit": leave,
            "cause": np.where(lost, LOST, ""),
            "wave": "",
            "n": counted,
        }
    )
    if process.spending is not None:
        complete = counted * (followed >= WINDOW)
        paid = np.minimum(leave, WINDOW) / WINDOW if process.survival is not None else np.ones(len(leave))
        sums = _spent(process.spending, (stratum, level, paid), complete, rng)
        cells = cells.assign(**dict(zip(SPEND, sums, strict=True)))
    profile = Profile(process.name, n, n)
    return Counts(add_up(cells), spec, profile)


def _spells(
    process: Process, pairs: np.ndarray, rng: np.random.Generator, follow_up: Mapping[int, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pair, exit, lost, follow-up and number of customers of each cell with customers."""
    outcomes, shares = [(0, False, WINDOW)], np.ones((len(pairs), 1))
    if process.survival is not None:
        survival = process.survival.reshape(len(pairs), -1)
        outcomes, parts = [], []
        for months, share in follow_up.items():
            outcomes += [(t, True, months) for t in range(1, months + 1)] + [(months, False, months)]
            parts += [-share * np.diff(survival[:, : months + 1], axis=1), share * survival[:, [months]]]
        shares = np.concatenate(parts, axis=1)
        shares /= shares.sum(axis=1, keepdims=True)
    customers = rng.multinomial(pairs, shares)
    pair, outcome = np.nonzero(customers)
    leave, lost, followed = (np.array(column)[outcome] for column in zip(*outcomes, strict=True))
    return pair, leave, lost, followed, customers[pair, outcome]


def _spent(
    spending: Spending,
    cell: tuple[np.ndarray, np.ndarray, np.ndarray],
    n: np.ndarray,
    rng: np.random.Generator,
) -> list[np.ndarray]:
    """Sums of `SPEND` by cell: n customers of a stratum and level, each paying for a share of the year."""
    stratum, level, paid = cell
    shares = spending.class_share[stratum]
    in_class = rng.multinomial(n, shares)
    buys = rng.binomial(in_class, spending.buys[stratum, level])
    log_sd = spending.log_sd[stratum]
    log_mean = np.log(spending.mean[stratum, level] * paid[:, None]) - log_sd[:, None] ** 2 / 2
    buyer = np.repeat(np.arange(buys.size), buys.ravel())
    buyer_cell = buyer // buys.shape[1]
    log_y = log_mean.ravel()[buyer] + log_sd[buyer_cell] * rng.standard_normal(len(buyer))
    y = np.exp(log_y)
    sums = [np.bincount(buyer_cell, v, len(n)) for v in (y, y**2, log_y, log_y**2, y * log_y)]
    return [n, n - buys.sum(axis=1), *sums]


def counted_from_signup(counts: Counts, rng: np.random.Generator) -> Counts:
    """Count the same customers with signup as the time origin: months before the survey are drawn and added.

    Follow-up ends at the horizon, the only time of the naive rows.
    """
    cells = counts.cells
    band = cells["stratum.tenure"].map({name: i for i, name in enumerate(BANDS)}).to_numpy(int)
    months = MONTHS_BEFORE[band]
    n = rng.multinomial(cells["n"], np.full(months.shape, 1 / months.shape[1]))
    parts = [cells.assign(exit=cells["exit"] + months[:, k], n=n[:, k]) for k in range(months.shape[1])]
    pooled = pd.concat(parts, ignore_index=True).drop(columns=[name for name in SPEND if name in cells])
    beyond = pooled["exit"] > HORIZON
    pooled = pooled.assign(exit=pooled["exit"].clip(upper=HORIZON), cause=pooled["cause"].mask(beyond, ""))
    return replace(counts, cells=add_up(pooled[pooled["n"] > 0]))
