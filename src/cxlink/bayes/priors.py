"""The prior distributions of the Bayesian models, each stated once with its scale.

The PyMC models, the densities on counts, the checks of the priors' weight and the report's table read them here. Why
each is what it is stands in the report's words, ``priors.reason_NAME``.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import gammaln, logit, xlogy

GAMMA_SHAPE = 2.0
"""Of every gamma: its density is 0 at 0 and rises linearly from there."""
POLARISATION = "_polarisation"
"""Ends the names of what belongs to the polarisation of the shifted-beta-geometric."""
_WIDE = 2 * 1.959964  # standard deviations between the ends of what holds 95 % of a normal


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior distribution.

    Attributes
    ----------
    name : str
        Of the quantity.
    distribution : {"normal", "gamma", "dirichlet"}
        Gamma: of shape 2. Dirichlet: symmetric.
    scale : float
        Standard deviation of a normal, mean of a gamma, concentration of a Dirichlet.
    centre : float
        Mean of a normal.
    needs : tuple of str
        What a model must have to have the quantity: several ``scores``, ``strata`` or ``cohorts``; ``levels`` or
        ``monotone``, the effect of several scores; ``waning``.
    """

    name: str
    distribution: Literal["normal", "gamma", "dirichlet"]
    scale: float
    centre: float = 0.0
    needs: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, float]:
        """The distribution's parameters, as PyMC names them."""
        match self.distribution:
            case "normal":
                return {"mu": self.centre, "sigma": self.scale}
            case "gamma":
                return {"alpha": GAMMA_SHAPE, "beta": GAMMA_SHAPE / self.scale}
            case "dirichlet":
                return {"a": self.scale}

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density of each value; of a Dirichlet what each share adds to it, up to a constant."""
        match self.distribution:
            case "normal":
                z = (np.asarray(x) - self.centre) / self.scale
                density: np.ndarray = -0.5 * z**2 - np.log(self.scale) - 0.5 * np.log(2 * np.pi)
            case "gamma":
                unit = self.scale / GAMMA_SHAPE
                y = np.maximum(np.asarray(x) / unit, 0.0)
                density = xlogy(GAMMA_SHAPE - 1, y) - y - gammaln(GAMMA_SHAPE) - np.log(unit)
            case "dirichlet":
                density = (self.scale - 1) * np.log(x)
        return density

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw from a gamma: standard deviations of which the counts say nothing, (size,)."""
        return rng.gamma(GAMMA_SHAPE, self.scale / GAMMA_SHAPE, size)

    def called(self, ending: str) -> "Prior":
        """The same of a quantity whose name ends otherwise."""
        return replace(self, name=self.name + ending)


def by_name(priors: Iterable[Prior]) -> dict[str, Prior]:
    """Priors by the names of their quantities."""
    return {prior.name: prior for prior in priors}


EFFECT_PRIORS = (
    Prior("slope", "normal", 1.5, needs=("monotone",)),
    Prior("steps", "dirichlet", 2.0, needs=("monotone",)),
    Prior("spread_level", "gamma", 0.5, needs=("levels",)),
    Prior("spread_stratum", "gamma", 0.5, needs=("strata",)),
    Prior("spread_level_stratum", "gamma", 0.2, needs=("scores", "strata")),
    Prior("spread_cohort", "gamma", 0.3, needs=("cohorts",)),
    Prior("spread_cohort_level", "gamma", 0.2, needs=("scores", "cohorts")),
)
"""Of what the models share, on the log hazard, the logit of churn, or the share and the log of spend.

A gamma of shape 2 lets a standard deviation be small and not 0, which few categories could not exclude (Chung et al.
2013, doi 10.1007/s11336-013-9328-2).
"""
EFFECTS = by_name(EFFECT_PRIORS)


def hazard_priors(per_year: int = 1) -> tuple[Prior, ...]:
    """Priors of the random-walk hazard (`bayes`); they are about a year, and are given here for one period.

    Parameters
    ----------
    per_year : int
        Periods a year.
    """
    # 95 % between 1 % and 99 % retained for a year at the hazard of the first period
    low, high = np.log(-np.log(0.99)), np.log(-np.log(0.01))
    centre = (low + high) / 2
    return (
        Prior("intercept", "normal", float((high - low) / _WIDE), float(centre - np.log(per_year))),
        Prior("spread_walk", "gamma", float(0.5 / np.sqrt(per_year))),
        *EFFECT_PRIORS,
        Prior("log_half_life", "normal", 1.0, float(np.log(2 * per_year)), needs=("waning",)),
    )


def renewal_priors() -> tuple[Prior, ...]:
    """Priors of the shifted-beta-geometric (`bayes_sbg`)."""
    # 95 % between the loss in a month of which 99 % stay for a year, and 90 %
    low, high = logit(-np.expm1(np.log(0.99) / 12)), logit(0.9)
    return (
        Prior("intercept", "normal", float(high - low) / _WIDE, float(low + high) / 2),
        Prior(f"intercept{POLARISATION}", "normal", 1.5, -1.0),
        *EFFECT_PRIORS,
        # the polarisation has free levels, whatever the effect of the score
        replace(EFFECTS["spread_level"].called(POLARISATION), needs=("scores",)),
        *(EFFECTS[name].called(POLARISATION) for name in ("spread_stratum", "spread_cohort")),
    )


SPEND_PRIORS = (
    Prior("intercept_share", "normal", 1.5),
    Prior("intercept_amount", "normal", 1.0),
    Prior("intercept_shape", "normal", 1.0),
    Prior("spread_shape", "gamma", 0.2, needs=("scores",)),
    *EFFECT_PRIORS,
)
"""Of the hurdle-gamma of spend; amounts are in units of the mean of all who spent, so that none knows a currency."""
