"""A new cohort: the distribution of its deviation from the mean of the pooled cohorts.

Cohorts' effects are N(0, σ²) about a common mean, which n of them tell to σ²/n, so that a new one departs from the mean
of those pooled by N(0, σ²(1 + 1/n)).
"""

import numpy as np

from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import Coding, zero_sum
from cxlink.bayes.priors import EFFECTS

NEW = "new cohort"


def departed(
    posterior: Posterior, coding: Coding, used: np.ndarray, rng: np.random.Generator, after: str = ""
) -> np.ndarray:
    """Draw the deviation of a new cohort's baseline from the mean.

    Parameters
    ----------
    posterior : Posterior
        Posterior of the standard deviations σ; their prior is used where one cohort cannot estimate them.
    coding : Coding
        Its cohorts.
    used : int ndarray of shape (n_draws,)
        Which draws.
    rng : Generator
        Advanced.
    after : str
        Suffix of the names of standard deviations, where the model has several predictors.

    Returns
    -------
    ndarray of shape (n_draws,)
    """
    sd = _standard_deviation(posterior, "spread_cohort", after, used, rng)
    moved: np.ndarray = sd * _wider(coding) * rng.standard_normal(len(used))
    return moved


def departed_scores(
    posterior: Posterior,
    coding: Coding,
    used: np.ndarray,
    rng: np.random.Generator,
    *,
    positions: np.ndarray,
    after: str = "",
) -> np.ndarray:
    """Draw the deviation of a new cohort's effects of the score from the mean; see `departed`.

    Parameters
    ----------
    posterior, coding, used, rng, after
        As `departed` has them.
    positions : ndarray of shape (n_draws, n_levels)
        Of the levels, where the effect is monotone; not looked at where it is free.

    Returns
    -------
    ndarray of shape (n_draws, n_levels)
    """
    n_levels = len(coding.levels)
    sd = _standard_deviation(posterior, "spread_cohort_level", after, used, rng) * _wider(coding)
    if coding.effect == "monotone":
        steeper: np.ndarray = positions * (sd * rng.standard_normal(len(used)))[:, None]
        return steeper
    free = rng.standard_normal((len(used), n_levels - 1)) * sd[:, None]
    along: np.ndarray = free @ zero_sum(n_levels).T
    return along


def _wider(coding: Coding) -> float:
    return float(np.sqrt(1 + 1 / len(coding.cohorts)))


def _standard_deviation(
    posterior: Posterior, name: str, after: str, used: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws of a standard deviation, from its prior where the counts do not identify it."""
    estimated = f"{name}{after}" in posterior.tree["posterior"]
    draws: np.ndarray = (
        posterior.draws(f"{name}{after}")[used] if estimated else EFFECTS[name].draw(rng, len(used))
    )
    return draws
