"""A law of survival by level and stratum that is known far beyond follow-up; its cohorts as counts, and its truths."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.groups.curves import Standard, restricted_mean
from cxlink.groups.requests import Request, by_level
from cxlink.groups.standardisation import standardised

HORIZON = 12
Row = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class LongLaw:
    """Customers by score level and stratum, how long they stay, and how long they are observed.

    Attributes
    ----------
    name : str
        A word.
    share : ndarray of shape (n_levels, n_strata)
        Joint shares of the customers scored; sums to 1.
    strata : DataFrame of shape (n_strata, n_variables)
        Columns ``stratum.NAME``; one row and no column where there is one stratum.
    log_survival : ndarray of shape (n_levels, n_strata, n_periods + 1)
        log S(t) at t = 0, 1, … whole periods after the survey.
    follow_up : ndarray of shape (T,)
        Share of the customers observed for exactly 1, 2, … T whole periods; sums to 1.
    worst, best : tuple of int
        The two bands; levels count from 1.
    """

    name: str
    share: np.ndarray
    strata: pd.DataFrame
    log_survival: np.ndarray
    follow_up: np.ndarray
    worst: tuple[int, ...]
    best: tuple[int, ...]

    @property
    def last(self) -> int:
        """T, the last period that anybody is observed."""
        return len(self.follow_up)


def spec_of(law: LongLaw, horizons: Sequence[int], draws: int) -> CohortSpec:
    """Say of a law's cohorts what is asked: tenure to these horizons."""
    columns = [name.removeprefix("stratum.") for name in law.strata.columns]
    return make_spec({
        "cohort": {"name": law.name.replace("_", "-"), "simulated": True},
        "score": {
            "column": "score", "scale": f"1-{max(len(law.share), 2)}", "worst": list(law.worst),
            "best": list(law.best),
        },
        "subscription": {"duration": "months", "event": "lost"},
        "adjust": {"columns": columns},
        "analysis": {"draws": draws, "horizon": min(HORIZON, law.last), "tenure_horizons": sorted(set(horizons))},
    })  # fmt: skip


def outcome_shares(law: LongLaw) -> np.ndarray:
    """Shares of the ends of spells: retained at the end of follow-up, or lost, in each period.

    Returns
    -------
    ndarray of shape (n_levels · n_strata, T, 2)
        Column 0: observed to exactly this period and still there, S(t)·P(F = t); column 1: lost in it while observed,
        (S(t − 1) − S(t))·P(F ≥ t). Each row of pairs sums to 1.
    """
    survival = np.exp(law.log_survival.reshape(law.share.size, -1)[:, : law.last + 1])
    observed = np.cumsum(law.follow_up[::-1])[::-1]
    stayed = survival[:, 1:] * law.follow_up
    lost = -np.diff(survival, axis=1) * observed
    shares = np.stack([stayed, lost], axis=2)
    whole: np.ndarray = np.maximum(shares, 0.0) / shares.sum(axis=(1, 2), keepdims=True)
    return whole


def drawn_cohort(law: LongLaw, customers: int, rng: np.random.Generator) -> Spells:
    """Draw a cohort as counts: customers of each pair, then the ends of their spells, both multinomial."""
    shares = outcome_shares(law)
    size = rng.multinomial(customers, law.share.ravel())
    counted = rng.multinomial(size, shares.reshape(len(size), -1)).reshape(shares.shape)
    return as_spells(counted, law.strata)


def as_spells(counted: np.ndarray, strata: pd.DataFrame) -> Spells:
    """Lay counts of the ends of spells out as spells.

    Parameters
    ----------
    counted : int ndarray of shape (n_levels · n_strata, T, 2)
        Customers retained and lost, see `outcome_shares`.
    strata : DataFrame of shape (n_strata, n_variables)
        The strata; pairs run over them within each level.
    """
    pair, period, cause = np.nonzero(counted)
    pairs, at = np.unique(pair, return_inverse=True)
    level, stratum = np.divmod(pairs, len(strata))
    levels, level = np.unique(level, return_inverse=True)
    return Spells(
        levels=tuple(int(one) + 1 for one in levels),
        strata=strata,
        causes=("lost",),
        level=level,
        stratum=stratum,
        pair=at,
        entry=np.zeros(len(at), int),
        exit=period + 1,
        cause=cause,
        n=counted[pair, period, cause].astype(np.int64),
        spend=np.zeros((len(at), 3)),
    )


def request_of(spells: Spells, spec: CohortSpec) -> Request:
    """Ask for groups that extrapolate: standardised over the strata, or by level where there is one stratum."""
    return standardised(spells, spec, None) or by_level(spells, spec)


def truths(law: LongLaw, spells: Spells, request: Request, horizons: Sequence[int]) -> Iterator[Row]:
    """Give retention and restricted mean of every group and contrast of a request, in the cohort's own mix of strata.

    Yields
    ------
    dict
        ``estimand, group, reference, horizon, truth``.
    """
    survival = np.exp(law.log_survival[[level - 1 for level in spells.levels]])
    curves = survival.reshape(-1, survival.shape[-1])
    for horizon in horizons:
        means = [_average(standard, curves, horizon) for standard in request.standards]
        for name, values in zip(("retention", "tenure"), zip(*means, strict=True), strict=True):
            for g in request.own:
                yield _truth(name, request.standards[g].group, "", horizon, values[g])
            for g, r in request.contrasts:
                pair = request.standards[g].group, request.standards[r].group
                yield _truth(f"{name}_difference", *pair, horizon, values[g] - values[r])
                yield _truth(f"{name}_ratio", *pair, horizon, values[g] / values[r])


def _average(standard: Standard, curves: np.ndarray, horizon: int) -> tuple[float, float]:
    curve = standard.weight @ curves[standard.curve]
    return float(curve[horizon]), float(restricted_mean(curve, horizon))


def _truth(estimand: str, group: str, reference: str, horizon: int, value: float) -> Row:
    return {
        "estimand": estimand, "group": group, "reference": reference, "horizon": horizon, "truth": value,
    }  # fmt: skip
