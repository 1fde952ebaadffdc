"""Cohorts drawn from a process as cell counts, without ever making a customer: quick at any size."""

from collections.abc import Sequence
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


def spec_of(process: Process, draws: int, contrasts: Sequence[str] = ()) -> CohortSpec:
    """Say of a process's cohorts what `draw` counts."""
    said: dict[str, Any] = {
        "cohort": {"name": process.name, "simulated": True},
        "score": {"column": "score", "scale": "1-10", "worst": process.worst, "best": process.best},
        "adjust": {"columns": ["need", "tenure"]},
        "analysis": {"draws": draws, "tenure_horizons": [HORIZON], "contrasts": ["best:worst", *contrasts]},
    }
    if process.survival is not None:
        said["subscription"] = {"duration": "months", "event": "lost"}
    if process.spending is not None:
        said["spend"] = {"column": "spend", "currency": "EUR", "window_months": WINDOW, "complete": True}
    return make_spec(said)


def draw(process: Process, n: int, spec: CohortSpec, rng: np.random.Generator) -> Counts:
    """Draw the counts of a cohort.

    Parameters
    ----------
    process : Process
        Their law.
    n : int
        Customers scored.
    spec : CohortSpec
        As `spec_of` makes it.
    rng : Generator
        Advanced.
    """
    pairs = rng.multinomial(n, process.scored.ravel())
    pair, leave, lost, followed, counted = _spells(process, pairs, rng)
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
    profile = Profile(process.name, n, n, clock="months since the score")
    return Counts(add_up(cells), spec, profile)


def _spells(
    process: Process, pairs: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pair, exit, lost, follow-up and number of customers of each cell that has any."""
    outcomes, shares = [(0, False, WINDOW)], np.ones((len(pairs), 1))
    if process.survival is not None:
        survival = process.survival.reshape(len(pairs), -1)
        outcomes, parts = [], []
        for months, share in FOLLOW_UP.items():
            outcomes += [(t, True, months) for t in range(1, months + 1)] + [(months, False, months)]
            parts += [-share * np.diff(survival[:, : months + 1], axis=1), share * survival[:, [months]]]
        shares = np.concatenate(parts, axis=1)
        shares /= shares.sum(axis=1, keepdims=True)
    counted = rng.multinomial(pairs, shares)
    pair, outcome = np.nonzero(counted)
    leave, lost, followed = (np.array(column)[outcome] for column in zip(*outcomes, strict=True))
    return pair, leave, lost, followed, counted[pair, outcome]


def _spent(
    law: Spending, cell: tuple[np.ndarray, np.ndarray, np.ndarray], n: np.ndarray, rng: np.random.Generator
) -> list[np.ndarray]:
    """The sums of `SPEND` by cell: of so many customers of a stratum and level, each for the share of a year paid."""
    stratum, level, paid = cell
    shares = law.class_share[stratum]
    in_class = rng.multinomial(n, shares)
    buys = rng.binomial(in_class, law.buys[stratum, level])
    spread = law.spread[stratum]
    centre = np.log(law.mean[stratum, level] * paid[:, None]) - spread[:, None] ** 2 / 2
    who = np.repeat(np.arange(buys.size), buys.ravel())
    at = who // buys.shape[1]
    log_y = centre.ravel()[who] + spread[at] * rng.standard_normal(len(who))
    y = np.exp(log_y)
    sums = [np.bincount(at, v, len(n)) for v in (y, y**2, log_y, log_y**2, y * log_y)]
    return [n, n - buys.sum(axis=1), *sums]


def counted_from_signup(counts: Counts, rng: np.random.Generator) -> Counts:
    """Count the same customers as the naive clock does: months before the survey drawn, and added.

    Followed to the horizon at most, which is all that the naive rows look at.
    """
    cells = counts.cells
    band = cells["stratum.tenure"].map({name: i for i, name in enumerate(BANDS)}).to_numpy(int)
    months = MONTHS_BEFORE[band]
    n = rng.multinomial(cells["n"], np.full(months.shape, 1 / months.shape[1]))
    parts = [cells.assign(exit=cells["exit"] + months[:, k], n=n[:, k]) for k in range(months.shape[1])]
    whole = pd.concat(parts, ignore_index=True).drop(columns=[name for name in SPEND if name in cells])
    later = whole["exit"] > HORIZON
    whole = whole.assign(exit=whole["exit"].clip(upper=HORIZON), cause=whole["cause"].mask(later, ""))
    return replace(counts, cells=add_up(whole[whole["n"] > 0]))
