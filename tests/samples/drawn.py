"""Person-periods with a known truth, laid out for the Bayesian models, and short runs on them."""

import numpy as np
import pandas as pd

from cxlink.bayes.pooled_counts import BayesEffect, PooledPeriods, pool
from cxlink.cohort.count.spells import PersonPeriods

LEVELS = (1, 2, 3, 4, 5)


def periods_of(hazard: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> PersonPeriods:
    """Customers (n_levels, n_strata) followed through hazards (n_levels, n_strata, n_periods)."""
    at_risk, lost = np.zeros(hazard.shape, np.int64), np.zeros(hazard.shape, np.int64)
    left = n.astype(np.int64)
    for t in range(hazard.shape[2]):
        at_risk[..., t] = left
        lost[..., t] = rng.binomial(left, hazard[..., t])
        left = left - lost[..., t]
    level, stratum = (x.ravel() for x in np.indices(n.shape))
    strata = (
        pd.DataFrame({"stratum.plan": list("abcdefgh")[: n.shape[1]]})
        if n.shape[1] > 1
        else pd.DataFrame(index=range(1))
    )
    shape = (-1, hazard.shape[2])
    levels = LEVELS[: n.shape[0]]
    return PersonPeriods(levels, strata, level, stratum, at_risk.reshape(shape), lost.reshape(shape))


def cloglog_cohort(
    n: int, strata: int = 1, periods: int = 6, seed: int = 1, steps: tuple[float, ...] = (0.5, 0.3, 0.0, -0.2, -0.6)
) -> PersonPeriods:  # fmt: skip
    """Losses whose log cumulative hazard is a sum of period, level and stratum, with a mild interaction."""
    rng = np.random.default_rng(seed)
    effects = (
        np.array(steps)[:, None] + 0.3 * np.arange(strata) + 0.1 * rng.standard_normal((len(steps), strata))
    )
    path = -2.2 - 0.1 * np.arange(periods)
    hazard = -np.expm1(-np.exp(effects[..., None] + path))
    share = rng.dirichlet(np.full(len(steps) * strata, 5.0)).reshape(len(steps), strata)
    return periods_of(hazard, np.round(n * share), rng)


def two_cohorts(effect: BayesEffect) -> PooledPeriods:
    """Two small cohorts, the younger with fewer periods and strata."""
    older, younger = cloglog_cohort(400, strata=3), cloglog_cohort(150, strata=2, periods=3, seed=2)
    return pool({"older": older, "younger": younger}, effect)
