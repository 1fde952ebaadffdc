"""Person-periods of grouped durations as the tests of the parametric families compare on."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import logit

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.survival.families.catalogue import (
    BETA_DISCRETE_WEIBULL,
    EXPONENTIAL,
    GENERALISED_GAMMA,
    LOG_LOGISTIC,
    LOG_NORMAL,
    SHIFTED_BETA_GEOMETRIC,
    WEIBULL,
    Family,
    cure,
    gompertz,
    menu,
    spline,
)

# Fader & Hardie 2007, table 1, years 0 to 7 of 1,000 customers; the textbook cohort is years 0 to 4 of the first.
REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241)
HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491)
TEXTBOOK = REGULAR[:5]
# The whole menu, on knots and a follow-up of the first of them.
MENU = menu(-np.diff(REGULAR))

Cell = tuple[int, int, int, int, int, float]


def by_name(given: object) -> str:
    return str(getattr(given, "name", ""))


def counted(cells: Sequence[Cell], n_levels: int = 1, n_strata: int = 1) -> PersonPeriods:
    """Person-periods of (level, stratum, entry, exit, lost, n)."""
    pairs = sorted({cell[:2] for cell in cells})
    at_risk = np.zeros((len(pairs), max(cell[3] for cell in cells)))
    lost = np.zeros_like(at_risk)
    for level, stratum, entry, leave, gone, n in cells:
        at_risk[pairs.index((level, stratum)), entry:leave] += n
        lost[pairs.index((level, stratum)), leave - 1] += n * gone
    strata = pd.DataFrame({"stratum.plan": [f"p{k}" for k in range(n_strata)]})
    levels, stratum_of = np.array(pairs).T
    return PersonPeriods(tuple(range(1, n_levels + 1)), strata, levels, stratum_of, at_risk, lost)


def staying(alive: Sequence[float], level: int = 0, stratum: int = 0) -> list[Cell]:
    """Cells of one cohort from those still there after 0, 1, … periods."""
    steps = [(level, stratum, 0, t, 1, alive[t - 1] - alive[t]) for t in range(1, len(alive))]
    return [*steps, (level, stratum, 0, len(alive) - 1, 0, alive[-1])]


def expected(
    family: Family,
    locations: Sequence[float],
    others: Sequence[float],
    n_periods: int = 20,
    n: float = 1000.0,
) -> PersonPeriods:
    """Counts that a family expects, n customers entering after 0, 3 and 8 periods each: one level a location."""
    t = np.arange(1, n_periods + 1)
    at_risk, lost = [], []
    for location in locations:
        log_s = np.r_[0.0, family.linked(t.astype(float), np.full(n_periods, location), *others)]
        r = sum(n * np.where(t > e, np.exp(log_s[:-1] - log_s[e]), 0) for e in (0, 3, 8))
        at_risk.append(r)
        lost.append(r * -np.expm1(np.diff(log_s)))
    levels = np.arange(len(locations))
    frame = pd.DataFrame(index=range(1))
    return PersonPeriods(
        tuple(int(k) + 1 for k in levels),
        frame,
        levels,
        np.zeros_like(levels),
        np.array(at_risk),
        np.array(lost),
    )


# Each family at values inside its range: locations of two levels and the other parameters, on link scales.
SLOW, FAST = np.log(0.03), np.log(0.1)
_KNOTS = np.log([1.0, 20.0])
_PLAIN: list[tuple[Family, tuple[float, ...], tuple[float, ...]]] = [
    (EXPONENTIAL, (FAST, SLOW), ()),
    (WEIBULL, (FAST, SLOW), (np.log(0.7),)),
    (gompertz(20.0), (FAST, SLOW), (-1.2,)),
    (LOG_NORMAL, (np.log(8.0), np.log(20.0)), (np.log(1.3),)),
    (LOG_LOGISTIC, (np.log(8.0), np.log(20.0)), (np.log(1.4),)),
    (GENERALISED_GAMMA, (np.log(8.0), np.log(20.0)), (np.log(1.1), 0.6)),
]
_BENDS = (0.8, -1.1, 0.9, -0.5)
TRUTHS = [
    *_PLAIN,
    *((spline(tuple(np.linspace(*_KNOTS, n + 2))), (FAST, SLOW), (0.8, *_BENDS[:n])) for n in range(1, 5)),
    *((cure(family), (logit(0.2), logit(0.5)), (where[0], *others)) for family, where, others in _PLAIN),
    (SHIFTED_BETA_GEOMETRIC, (logit(0.2), logit(0.08)), (logit(0.15),)),
    (BETA_DISCRETE_WEIBULL, (logit(0.2), logit(0.08)), (logit(0.15), np.log(1.2))),
]
