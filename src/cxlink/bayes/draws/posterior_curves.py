"""Retention of any level, stratum and cohort from posterior draws, to any horizon; and of a cohort not yet seen."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy.special import expit

from cxlink.bayes.draws.new_cohort import NEW, departed, departed_scores
from cxlink.bayes.draws.sampling import NUTPIE, PYMC, Posterior, sample
from cxlink.bayes.models import hazard_posterior as bayes_hazard
from cxlink.bayes.models import sbg_posterior as bayes_sbg
from cxlink.bayes.models.binomial_cells import waned
from cxlink.bayes.pooled_counts import Coding, PooledPeriods, coding_from
from cxlink.bayes.priors import POLARISATION, by_name, hazard_priors

_FARTHEST = 12.0
_CORNERS, _SHARP = 0.9, 0.95
_FAR = 40.0


class DrawnSurvival(Protocol):
    """Draws of survival functions."""

    @property
    def n_draws(self) -> int:
        """Draws."""

    def log_survival(
        self, draws: slice, pairs: tuple[np.ndarray, np.ndarray], times: np.ndarray
    ) -> np.ndarray:
        """Log S(t) of some draws, of pairs (level, stratum) by position, at whole periods since the time origin.

        Parameters
        ----------
        draws : slice
            Which.
        pairs : (int ndarray, int ndarray) of shape (n_pairs,)
            Positions of level and stratum in the coding.
        times : int ndarray of shape (n_times,)
            From 0 on.

        Returns
        -------
        ndarray of shape (n_draws, n_pairs, n_times)
        """


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """Survival under `bayes`.

    Attributes
    ----------
    hazard : ndarray of shape (n_draws, n_periods)
        e^{w_t}, with the continued random walk.
    base : ndarray of shape (n_draws, n_strata)
        Log hazard of the first period, without the score.
    score : ndarray of shape (n_draws, n_levels, n_strata)
        The score's part.
    left : ndarray of shape (n_draws, n_periods) or None
        What is left of it in each period; None where it lasts.
    """

    hazard: np.ndarray
    base: np.ndarray
    score: np.ndarray
    left: np.ndarray | None

    @property
    def n_draws(self) -> int:
        """Draws."""
        return len(self.hazard)

    def log_survival(
        self, draws: slice, pairs: tuple[np.ndarray, np.ndarray], times: np.ndarray
    ) -> np.ndarray:
        """See `DrawnSurvival`."""
        level, stratum = pairs
        base, score = self.base[draws][:, stratum], self.score[draws][:, level, stratum]
        if self.left is None:
            total = _cumulated(self.hazard[draws])[:, times]
            straight: np.ndarray = -np.exp(np.minimum(base + score, _FAR))[:, :, None] * total[:, None]
            return straight
        part = score[:, :, None] * self.left[draws][:, None]
        part += base[:, :, None]
        hazard = np.exp(np.minimum(part, _FAR)) * self.hazard[draws][:, None]
        at_times: np.ndarray = -_cumulated(hazard)[..., times]
        return at_times


@dataclass(frozen=True, slots=True, eq=False)
class Renewed:
    """Survival under `bayes_sbg`.

    Attributes
    ----------
    churn, polarisation : ndarray of shape (n_draws, n_levels, n_strata)
        Logits of μ and φ.
    """

    churn: np.ndarray
    polarisation: np.ndarray

    @property
    def n_draws(self) -> int:
        """Draws."""
        return len(self.churn)

    def log_survival(
        self, draws: slice, pairs: tuple[np.ndarray, np.ndarray], times: np.ndarray
    ) -> np.ndarray:
        """See `DrawnSurvival`."""
        level, stratum = pairs
        mean = expit(self.churn[draws][:, level, stratum])[:, :, None]
        odds = np.exp(np.clip(self.polarisation[draws][:, level, stratum], -_FAR, _FAR))[:, :, None]
        hazard = mean / (1 + np.arange(int(times.max(initial=0))) * odds)
        # log 0 for a certain loss, limited to the range of the exponential
        at_times: np.ndarray = -_cumulated(-np.log1p(-np.minimum(hazard, 1 - 1e-16)))[..., times]
        return at_times


def _cumulated(steps: np.ndarray) -> np.ndarray:
    """Sums to 0, 1, 2, …"""
    return np.concatenate([np.zeros((*steps.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)


def survival_of(
    posterior: Posterior,
    n_periods: int,
    rng: np.random.Generator,
    *,
    cohort: str | None = None,
    most: int | None = None,
) -> DrawnSurvival:
    """Convert draws to survival functions; the random walk continues with each draw's own standard deviation.

    Parameters
    ----------
    posterior : Posterior
        Of `bayes` or `bayes_sbg`; sampled now, or read back.
    n_periods : int
        Last period since the time origin that is needed.
    rng : Generator
        For the continued random walk and a new cohort.
    cohort : str, optional
        Whose; the last one pooled by default. `NEW` is one without any data, see `bayes_new_cohort`.
    most : int, optional
        Draws to use, evenly spaced; all by default.
    """
    coding = coding_from(posterior.about["coding"])
    used = _evenly(posterior.n_draws, most)
    after = (POLARISATION,) if posterior.name == bayes_sbg.MODEL else ()
    base, score = _of_cohort(posterior, coding, cohort, used, rng)
    if after:
        shape_base, shape_score = _of_cohort(posterior, coding, cohort, used, rng, after=POLARISATION)
        return Renewed(base[:, None] + score, shape_base[:, None] + shape_score)
    path = posterior.draws("walk")[used]
    path = _continued(path, posterior, used, n_periods, rng)
    left = None
    if "log_half_life" in posterior.tree["posterior"]:
        left = waned(path.shape[1], np.exp(posterior.draws("log_half_life")[used]))
    return Walked(np.exp(np.minimum(path, _FAR)), base, score, left)


def _evenly(n: int, most: int | None) -> np.ndarray:
    positions: np.ndarray = np.unique(np.linspace(0, n - 1, min(most or n, n)).round().astype(int))
    return positions


def _continued(
    path: np.ndarray, posterior: Posterior, used: np.ndarray, n_periods: int, rng: np.random.Generator
) -> np.ndarray:
    """The random walk up to ``n_periods``, limited to e^±12 of its value at the end of follow-up, where S is 0 or 1."""
    more = n_periods - path.shape[1]
    if more <= 0:
        return path
    if "spread_walk" in posterior.tree["posterior"]:
        sd = posterior.draws("spread_walk")[used]
    else:
        # one period has no information on the random walk: use its prior
        prior = by_name(hazard_priors(posterior.about["per_year"]))["spread_walk"]
        sd = prior.draw(rng, len(path))
    steps = rng.standard_normal((len(path), more)) * sd[:, None]
    beyond = np.clip(np.cumsum(steps, axis=1), -_FARTHEST, _FARTHEST)
    return np.concatenate([path, path[:, -1:] + beyond], axis=1)


def _of_cohort(
    posterior: Posterior,
    coding: Coding,
    cohort: str | None,
    used: np.ndarray,
    rng: np.random.Generator,
    *,
    after: str = "",
) -> tuple[np.ndarray, np.ndarray]:
    """A cohort's baseline (n_draws, n_strata) and score (n_draws, n_levels, n_strata)."""
    base, score = (posterior.draws(f"{name}{after}")[used] for name in ("baseline", "score"))
    if cohort != NEW:
        at = coding.cohorts.index(cohort) if cohort is not None else -1
        return base[:, at], score[:, at]
    moved = departed(posterior, coding, used, rng, after)
    base, score = base.mean(axis=1) + moved[:, None], score.mean(axis=1)
    if after or len(coding.levels) == 1:
        return base, score
    positions = posterior.draws("position")[used] if coding.effect == "monotone" else np.empty(0)
    along = departed_scores(posterior, coding, used, rng, positions=positions)
    return base, score + along[:, :, None]


def fitted(
    pooled: PooledPeriods,
    name: str,
    per_year: int,
    *,
    seed: int,
    waning: bool = False,
    sampler: str = NUTPIE,
    **sampling: Any,
) -> Posterior:
    """Sample one of the two models of retention, with the coding that `survival_of` needs.

    Parameters
    ----------
    pooled : PooledPeriods
        The counts.
    name : {"bayes", "bayes_sbg"}
        Which.
    per_year : int
        Periods a year.
    seed : int
        Of the draws.
    waning : bool
        Whether the score's effect may wane; for ``bayes``.
    sampler : {"nutpie", "pymc"}
        Of the density on counts, or of the model as PyMC writes it.
    **sampling
        Further arguments of `cxlink.bayes.draws.sampling.sample`.
    """
    hazard = name == bayes_hazard.MODEL
    density = (
        bayes_hazard.hazard_density(pooled, per_year, waning=waning)
        if hazard
        else bayes_sbg.renewal_density(pooled)
    )
    about: dict[str, Any] = {"coding": pooled.coding.as_dict(), "per_year": per_year}
    model: Any = density
    if sampler == PYMC:
        from cxlink.bayes.models.pymc_models import hazard_model, renewal_model

        model = hazard_model(pooled, per_year, waning=waning) if hazard else renewal_model(pooled)
    # standard deviations near 0 make corners, and increments of a monotone effect sharper ones
    accept = _SHARP if pooled.coding.effect == "monotone" else _CORNERS
    return sample(
        model, name, seed=seed, about=about, names=tuple(density.shapes), **{"accept": accept, **sampling}
    )
