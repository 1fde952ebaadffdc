"""Cohorts for the proof of extrapolated tenure: truths in the menu of families, near it, and outside of it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from cxlink.cohort.count.spells import Spells
from cxlink.groups.curves import restricted_mean
from cxlink.survival.families.catalogue import (
    EXPONENTIAL,
    LOG_LOGISTIC,
    SHIFTED_BETA_GEOMETRIC,
    WEIBULL,
    cure,
)
from cxlink.survival.families.family import Family

LEVELS = (1, 2, 3)
SHARES = (0.25, 0.5, 0.25)
KEPT = (0.43, 0.60, 0.74)
"""Share of each level that is retained for twelve months."""
YEAR, LONGEST = 12, 120
_FINE = 32
_SPIKE = 5.0
_PIECES = ((12, 0.6), (30, 1.6), (LONGEST, 0.35))


@dataclass(frozen=True, slots=True)
class TenureTruth:
    """A truth whose tenure beyond follow-up is known.

    Attributes
    ----------
    name, about : str
        A word, and a sentence.
    inside : bool
        Whether the menu of families holds it; the others are shown, not judged.
    log_survival : callable
        Log S of (time in months, level's position).
    whole : bool
        Whether S is log-linear between whole months.
    """

    name: str
    about: str
    inside: bool
    log_survival: Callable[[np.ndarray, int], np.ndarray]
    whole: bool

    def tenure(self, level: int, months: int) -> float:
        """Restricted mean to so many months."""
        if self.whole:
            survival = np.exp(np.r_[0.0, self.log_survival(np.arange(1.0, months + 1), level)])
            return float(restricted_mean(survival, months))
        node, weight = np.polynomial.legendre.leggauss(_FINE)
        # t = u³ keeps a hazard that starts at infinity smooth
        ends = np.cbrt(np.arange(months + 1.0))
        middle, half = (ends[1:] + ends[:-1])[:, None] / 2, np.diff(ends)[:, None] / 2
        u = middle + half * node
        return float(
            np.sum(
                np.exp(self.log_survival(u.ravel() ** 3, level)).reshape(u.shape) * 3 * u**2 * weight * half
            )
        )


def tenure_truths() -> dict[str, TenureTruth]:
    """Every truth, by name."""
    made = (
        _of_family(
            "beta_geometric", "customers differ in a constant monthly rate of loss (shifted-beta-geometric, φ = .1)",
            SHIFTED_BETA_GEOMETRIC, 0.1,
        ),
        _of_family("weibull", "a hazard that falls as a power of time (Weibull, shape .7)", WEIBULL, 0.7),
        _of_family("log_logistic", "a hazard that rises and then falls (log-logistic, shape 1.2)", LOG_LOGISTIC, 1.2),
        _of_family(
            "cure", "a share that never leaves, the others at a constant rate of .15 a month (mixture cure)",
            cure(EXPONENTIAL), 0.15,
        ),
        _of_hazard(
            "renewal_spike", "losses at five times the rate in every twelfth month, constant otherwise",
            lambda month: np.where(month % YEAR == 0, _SPIKE, 1.0),
        ),
        _of_hazard(
            "piecewise", "a constant rate that rises after one year and falls after two and a half", _pieces
        ),
    )  # fmt: skip
    return {truth.name: truth for truth in made}


def _of_family(name: str, about: str, family: Family, *others: float) -> TenureTruth:
    """Locations such that the right share is retained for a year."""
    linked = [
        np.asarray(p.link.forward(np.asarray(v))) for p, v in zip(family.parameters[1:], others, strict=True)
    ]

    def at(location: float, kept: float) -> float:
        return float(family.linked(np.full(1, float(YEAR)), np.full(1, location), *linked)[0] - np.log(kept))

    located = [brentq(at, -12, 12, args=(kept,)) for kept in KEPT]
    return TenureTruth(
        name,
        about,
        inside=True,
        log_survival=lambda t, level: family.linked(t, np.asarray(located[level]), *linked),
        whole=family.whole_periods,
    )


def _pieces(month: np.ndarray) -> np.ndarray:
    return np.select([month <= end for end, _ in _PIECES], [rate for _, rate in _PIECES], _PIECES[-1][1])


def _of_hazard(name: str, about: str, shape: Callable[[np.ndarray], np.ndarray]) -> TenureTruth:
    """Hazards of this shape over whole months, the same in proportion for all levels."""
    total = np.r_[0.0, np.cumsum(shape(np.arange(1.0, LONGEST + 1)))]
    rates = [-np.log(kept) / total[YEAR] for kept in KEPT]

    def log_survival(t: np.ndarray, level: int) -> np.ndarray:
        fallen: np.ndarray = -rates[level] * np.interp(t, np.arange(LONGEST + 1.0), total)
        return fallen

    return TenureTruth(name, about, inside=False, log_survival=log_survival, whole=True)


def drawn_spells(truth: TenureTruth, customers: int, follow_up: int, rng: np.random.Generator) -> Spells:
    """Draw a cohort that is followed for so many whole months, as cell counts."""
    sizes = rng.multinomial(customers, SHARES)
    parts = []
    for level, size in enumerate(sizes):
        survival = np.exp(np.r_[0.0, truth.log_survival(np.arange(1.0, follow_up + 1), level)])
        n = rng.multinomial(size, np.r_[-np.diff(survival), survival[-1]])
        month = np.r_[np.arange(1, follow_up + 1), follow_up]
        cause = np.r_[np.ones(follow_up, int), 0]
        parts.append(pd.DataFrame({"pair": level, "exit": month, "cause": cause, "n": n})[n > 0])
    cells = pd.concat(parts, ignore_index=True)
    known = sorted(set(cells["pair"]))
    return Spells(
        levels=tuple(LEVELS[k] for k in known),
        strata=pd.DataFrame(index=range(1)),
        causes=("lost",),
        level=np.arange(len(known)),
        stratum=np.zeros(len(known), int),
        pair=np.searchsorted(known, cells["pair"].to_numpy()),
        entry=np.zeros(len(cells), int),
        exit=cells["exit"].to_numpy(),
        cause=cells["cause"].to_numpy(),
        n=cells["n"].to_numpy(),
        spend=np.zeros((len(cells), 3)),
    )
