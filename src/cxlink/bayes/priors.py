"""The prior distributions of the Bayesian models, each stated once with its scale and its reason.

The PyMC models, the densities on counts, the checks of the priors' weight and the report's table read them here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import logit
from scipy.stats import gamma, norm

GAMMA_SHAPE = 2.0
"""Of every gamma: its density is 0 at 0 and rises linearly from there."""
POLARISATION = "_polarisation"
"""Ends the names of what belongs to the polarisation of the shifted-beta-geometric."""
_WIDE = 2 * 1.959964  # standard deviations between the ends of what holds 95 % of a normal


@dataclass(frozen=True, slots=True)
class Prior:
    """A prior distribution, and why it is that.

    Attributes
    ----------
    name : str
        Of the quantity.
    distribution : {"normal", "gamma", "dirichlet"}
        Gamma: of shape 2. Dirichlet: symmetric.
    scale : float
        Standard deviation of a normal, mean of a gamma, concentration of a Dirichlet.
    reason : str
        In the outcome's terms.
    centre : float
        Mean of a normal.
    """

    name: str
    distribution: Literal["normal", "gamma", "dirichlet"]
    scale: float
    reason: str
    centre: float = 0.0

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
                density: np.ndarray = norm.logpdf(x, self.centre, self.scale)
            case "gamma":
                density = gamma.logpdf(x, GAMMA_SHAPE, scale=self.scale / GAMMA_SHAPE)
            case "dirichlet":
                density = (self.scale - 1) * np.log(x)
        return density

    def draw(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """Draw from a gamma: standard deviations of which the counts say nothing, (size,)."""
        return rng.gamma(GAMMA_SHAPE, self.scale / GAMMA_SHAPE, size)

    def called(self, ending: str, of: str = "") -> "Prior":
        """The same of a quantity whose name ends otherwise; ``of`` leads the reason."""
        return replace(self, name=self.name + ending, reason=of + self.reason)


def by_name(priors: Iterable[Prior]) -> dict[str, Prior]:
    """Priors by the names of their quantities."""
    return {prior.name: prior for prior in priors}


_BOUNDARY = (
    f"a gamma of shape {GAMMA_SHAPE:g} lets a spread be small and not 0, where a few categories could not tell (Chung "
    "et al. 2013, doi 10.1007/s11336-013-9328-2)"
)
EFFECT_PRIORS = (
    Prior("slope", "normal", 1.5, "monotone, from the worst level to the best: up to 19 times, either way"),
    Prior("steps", "dirichlet", 2.0,
          "steps of the scale matter about alike, though any may matter little; at 1 the posterior has several modes "
          "where neighbouring levels have few customers"),
    Prior("spread_level", "gamma", 0.5, f"levels differ by factors of about e^±0.5; {_BOUNDARY}"),
    Prior("spread_stratum", "gamma", 0.5, f"strata differ by factors of about e^±0.5; {_BOUNDARY}"),
    Prior("spread_level_stratum", "gamma", 0.2,
          f"a level is to every stratum what it is to others, within a fifth; {_BOUNDARY}"),
    Prior("spread_cohort", "gamma", 0.3, f"cohorts differ by about a third; {_BOUNDARY}"),
    Prior("spread_cohort_level", "gamma", 0.2, f"the score means the same to cohorts, within a fifth; {_BOUNDARY}"),
)  # fmt: skip
"""Of what the models share, on the log hazard, the logit of churn, or the share and the log of spend."""
EFFECTS = by_name(EFFECT_PRIORS)


def hazard_priors(per_year: int = 1) -> tuple[Prior, ...]:
    """Priors of the random-walk hazard (`bayes`); they are about a year, and are given here for one period.

    Parameters
    ----------
    per_year : int
        Periods a year.
    """
    low, high = np.log(-np.log(0.99)), np.log(-np.log(0.01))
    centre = (low + high) / 2
    return (
        Prior("intercept", "normal", float((high - low) / _WIDE),
              f"log cumulative hazard of a year at the pace of the first period, around {centre:.2f}: between 1 % and "
              "99 % are kept for a year, in 95 %", float(centre - np.log(per_year))),
        Prior("spread_walk", "gamma", float(0.5 / np.sqrt(per_year)), "in a year the baseline's log hazard moves by "
              "about 0.5 (by √ of the share of a year in a period); near 0 it is constant"),
        *EFFECT_PRIORS,
        Prior("log_half_life", "normal", 1.0, "with waning: half of the score's effect is gone after some months to "
              "fifteen years, around two years", float(np.log(2 * per_year))),
    )  # fmt: skip


def renewal_priors() -> tuple[Prior, ...]:
    """Priors of the shifted-beta-geometric (`bayes_sbg`)."""
    low, high = logit(-np.expm1(np.log(0.99) / 12)), logit(0.9)
    centre = float(low + high) / 2
    return (
        Prior("intercept", "normal", float(high - low) / _WIDE,
              f"logit of mean churn in the first period, around {centre:.2f}: between 0.08 % (99 % kept for a year of "
              "months) and 90 % in 95 %, whatever the period is", centre),
        Prior(f"intercept{POLARISATION}", "normal", 1.5,
              "logit of polarisation, around -1: 0.02 (all alike) to 0.87 (stayers and leavers) in 95 %", -1.0),
        *EFFECT_PRIORS,
        *(EFFECTS[name].called(POLARISATION, "of the polarisation's logit: ")
          for name in ("spread_level", "spread_stratum", "spread_cohort")),
    )  # fmt: skip


SPEND_PRIORS = (
    Prior("intercept_share", "normal", 1.5, "nearly flat on the share who spend: 95 % between 5 and 95 %"),
    Prior("intercept_amount", "normal", 1.0, "a typical amount is 1/7 to 7 times the mean of all who spent"),
    Prior("intercept_shape", "normal", 1.0, "amounts have a coefficient of variation of 0.4 to 2.7 in 95 %"),
    Prior("spread_shape", "gamma", 0.2, "amounts spread alike at all levels, k within a fifth"),
    *EFFECT_PRIORS,
)
"""Of the hurdle-gamma of spend; amounts are in units of the mean of all who spent, so that none knows a currency."""
