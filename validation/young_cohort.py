"""A cohort of three months, alone and pooled with two older ones: which posterior predicts its losses up to a year?

Five levels, three cohorts: two older ones followed for eighteen and fifteen months, and the one in question for three.
Hazards fall with time alike in all; a cohort's baseline differs by N(0, 0.2²) and each level's effect by N(0, 0.1²), on
the log hazard. Whoever is retained for three months is then followed to the twelfth month. The score is the log of
the probability that a posterior gave, before, to the losses of all levels in months 4 to 12.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import gammaln, logsumexp, xlog1py, xlogy

from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.pooled_counts import Coding, PooledPeriods

EFFECTS = (0.55, 0.35, 0.0, -0.25, -0.6)
"""Log hazard of each level, from the worst to the best."""
CUSTOMERS = (120, 90, 400, 700, 500)
"""Of each level, in each cohort."""
BASELINE, DECLINE = -2.4, 0.3
"""Log hazard in the first month, and its fall in each doubling of time: about 65 % are kept for a year."""
BETWEEN, BETWEEN_LEVELS = 0.2, 0.1
FOLLOW_UP = (18, 15, 3)
HORIZON = 12
SAMPLING: dict[str, Any] = {"draws": 400, "tune": 300, "chains": 2, "cores": 1}
WAYS = ("pooled", "alone")


@dataclass(frozen=True, slots=True, eq=False)
class YoungCohort:
    """Three cohorts, and what became of the youngest.

    Attributes
    ----------
    pooled : PooledPeriods
        What is known when the youngest has been followed for three months; it is the last.
    at_risk, lost : ndarray of shape (n_levels, n_months)
        Of the youngest, months 4 to 12.
    kept : float
        True retention of its customers at the horizon.
    """

    pooled: PooledPeriods
    at_risk: np.ndarray
    lost: np.ndarray
    kept: float


def drawn_cohorts(rng: np.random.Generator) -> YoungCohort:
    """Draw three cohorts."""
    end, n_cohorts, n_levels = max(FOLLOW_UP), len(FOLLOW_UP), len(EFFECTS)
    log_hazard = (
        BASELINE - DECLINE * np.log2(np.arange(1, end + 1))
        + BETWEEN * rng.standard_normal((n_cohorts, 1, 1))
        + np.array(EFFECTS)[:, None] + BETWEEN_LEVELS * rng.standard_normal((n_cohorts, n_levels, 1))
    )  # fmt: skip
    hazard = np.exp(log_hazard)
    at_risk, lost = np.zeros(hazard.shape), np.zeros(hazard.shape)
    left = np.tile(CUSTOMERS, (n_cohorts, 1))
    for month in range(end):
        at_risk[..., month] = left
        lost[..., month] = rng.binomial(left, -np.expm1(-hazard[..., month]))
        left = left - lost[..., month].astype(int)
    later = slice(FOLLOW_UP[-1], HORIZON)
    known = np.arange(end) < np.array(FOLLOW_UP)[:, None, None]
    coding = Coding(tuple(range(1, n_levels + 1)), ((),), ("first", "second", "third"), "levels")
    pooled = PooledPeriods(coding, (at_risk * known)[:, :, None], (lost * known)[:, :, None])
    each = np.exp(-hazard[-1, :, :HORIZON].sum(axis=1))
    return YoungCohort(
        pooled, at_risk[-1][:, later], lost[-1][:, later], float(each @ CUSTOMERS / np.sum(CUSTOMERS))
    )


def youngest(pooled: PooledPeriods) -> PooledPeriods:
    """The last cohort alone, with the months that it has been followed."""
    months = int((pooled.at_risk[-1].sum(axis=(0, 1)) > 0).sum())
    coding = replace(pooled.coding, cohorts=pooled.coding.cohorts[-1:])
    return PooledPeriods(coding, pooled.at_risk[-1:, ..., :months], pooled.lost[-1:, ..., :months])


def log_score(kept: np.ndarray, at_risk: np.ndarray, lost: np.ndarray) -> float:
    """Log of the probability of losses, averaged over draws.

    Parameters
    ----------
    kept : ndarray of shape (n_draws, n_levels, n_months + 1)
        Log S at the end of each month, and before the first.
    at_risk, lost : ndarray of shape (n_levels, n_months)
        Customers.
    """
    step = np.diff(kept, axis=-1)
    hazard = -np.expm1(step)
    ways = gammaln(at_risk + 1) - gammaln(lost + 1) - gammaln(at_risk - lost + 1)
    each = ways + xlogy(lost, hazard) + xlog1py(at_risk - lost, -hazard)
    return float(logsumexp(each.sum(axis=(1, 2))) - np.log(len(kept)))


def replicated(rng: np.random.Generator) -> dict[str, float]:
    """One set of cohorts: score of either way, and how far off retention at the horizon is."""
    drawn, found = drawn_cohorts(rng), {}
    for way, counts in zip(WAYS, (drawn.pooled, youngest(drawn.pooled)), strict=True):
        posterior = fitted(counts, "bayes", 12, seed=int(rng.integers(2**31)), **SAMPLING)
        n_levels = len(EFFECTS)
        pairs = (np.arange(n_levels), np.zeros(n_levels, int))
        times = np.arange(FOLLOW_UP[-1], HORIZON + 1)
        kept = survival_of(posterior, HORIZON, rng).log_survival(slice(None), pairs, times)
        found[f"score_{way}"] = log_score(kept, drawn.at_risk, drawn.lost)
        share = np.exp(kept[:, :, -1]) @ CUSTOMERS / np.sum(CUSTOMERS)
        low, high = np.quantile(share, (0.025, 0.975))
        found[f"error_{way}"] = float(abs(share.mean() - drawn.kept))
        found[f"width_{way}"] = float(high - low)
        found[f"held_{way}"] = float(low <= drawn.kept <= high)
    return found
