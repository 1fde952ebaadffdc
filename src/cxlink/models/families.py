"""Parametric families of the time to loss, each one entry of data.

A family is its log-survival function and nothing else: the likelihood (`likelihood`), the fit (`fitting`) and
the projection (`projection`) are the same for all. A new one is an entry here, its place in `FAMILIES`, and a
row in the tests.
"""

from collections.abc import Callable
from dataclasses import dataclass

import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.scipy.special import expit
from scipy.special import digamma, gammaln, logit

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Link:
    """A scale without bounds for a parameter.

    Attributes
    ----------
    forward, inverse : callable
        To the scale (numpy), and back from it (autograd's numpy).
    """

    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]


# Clipped where a double would overflow, or where 1 − p would be 0: far outside of what data can tell apart.
LOG = Link(np.log, lambda x: anp.exp(anp.clip(x, -300.0, 300.0)))
LOGIT = Link(logit, lambda x: expit(anp.clip(x, -34.0, 34.0)))


@dataclass(frozen=True, slots=True)
class Family:
    """A parametric family of survival functions.

    Attributes
    ----------
    name : str
        As in the estimates table.
    parameters : tuple of str
        As the literature names them. The first is the location, on which score and strata act additively
        through its link.
    links : tuple of Link
        One a parameter.
    log_survival : callable
        log S of (t, *parameters), by broadcasting, in autograd's numpy; t > 0 in periods.
    start : callable
        Starting values of the parameters from a hazard per period.
    whole_periods : bool
        Whether S is known at whole periods only (a discrete model), and log-linear between them.
    source : str
        Where it is described.
    """

    name: str
    parameters: tuple[str, ...]
    links: tuple[Link, ...]
    log_survival: Callable[..., Array]
    start: Callable[[float], tuple[float, ...]]
    whole_periods: bool
    source: str

    def linked(self, t: Array, *linked: Array) -> Array:
        """Log-survival at t of parameters on their link scales."""
        values = [link.inverse(value) for link, value in zip(self.links, linked, strict=True)]
        return self.log_survival(t, *values)

    def start_linked(self, hazard: float) -> Array:
        """Give starting values on the link scales, of shape (n_parameters,)."""
        values = zip(self.links, self.start(hazard), strict=True)
        return np.array([float(link.forward(np.asarray(value))) for link, value in values])


EXPONENTIAL = Family(
    name="exponential",
    parameters=("rate",),
    links=(LOG,),
    log_survival=lambda t, rate: -t * rate,
    start=lambda hazard: (hazard,),
    whole_periods=False,
    source="Kalbfleisch & Prentice 2002, The Statistical Analysis of Failure Time Data, section 2.2.1",
)

# Powers are taken of t and of the rate apart: a grid of both then costs products, not powers.
WEIBULL = Family(
    name="weibull",
    parameters=("rate", "shape"),
    links=(LOG, LOG),
    log_survival=lambda t, rate, shape: -(t**shape) * rate**shape,
    start=lambda hazard: (hazard, 1.0),
    whole_periods=False,
    source="Weibull 1951, J. Applied Mechanics 18:293–297; S(t) = exp(−(rate·t)^shape)",
)

LOG_LOGISTIC = Family(
    name="log_logistic",
    parameters=("scale", "shape"),
    links=(LOG, LOG),
    log_survival=lambda t, scale, shape: -anp.log1p(t**shape * scale**-shape),
    start=lambda hazard: (1 / hazard, 1.2),
    whole_periods=False,
    source="Bennett 1983, Applied Statistics 32:165–171, doi 10.2307/2347295; S(t) = 1/(1 + (t/scale)^shape)",
)


def _trigamma(x: Array) -> Array:
    """Second derivative of log Γ for x > 0: eight steps up, then its asymptotic series, to 1e-12.

    scipy's, which autograd would call, is ten times slower and was half the time of a fit.
    """
    total = np.zeros_like(x)
    for k in range(8):
        total += 1 / (x + k) ** 2
    u = 1 / (x + 8)
    v = u * u
    series = 1 / 6 - v * (1 / 30 - v * (1 / 42 - v * (1 / 30 - v * 5 / 66)))
    return total + u + v / 2 + u * v * series


_digamma = primitive(digamma)
_log_gamma = primitive(gammaln)
defvjp(_digamma, lambda _, x: lambda g: g * _trigamma(x))
defvjp(_log_gamma, lambda _, x: lambda g: g * _digamma(x))


def _beta_geometric(t: Array, churn: Array, polarisation: Array) -> Array:
    """Log S(t) = log B(α, β+t) − log B(α, β), with α = μ(1−φ)/φ and β = (1−μ)(1−φ)/φ."""
    # Under 1e-7 it is the geometric to all digits that matter, and differences of log Γ would lose them.
    floored = anp.maximum(polarisation, 1e-7)
    both = (1 - floored) / floored
    stays = (1 - churn) * both
    log_survival: Array = (
        _log_gamma(stays + t) - _log_gamma(stays) - (_log_gamma(both + t) - _log_gamma(both))
    )
    return log_survival


SHIFTED_BETA_GEOMETRIC = Family(
    name="shifted_beta_geometric",
    parameters=("mean_churn", "polarisation"),
    links=(LOGIT, LOGIT),
    log_survival=_beta_geometric,
    start=lambda hazard: (min(hazard, 0.95), 0.2),
    whole_periods=True,
    source="Fader & Hardie 2007, J. Interactive Marketing 21(1):76–90, doi 10.1002/dir.20074",
)

FAMILIES: tuple[Family, ...] = (EXPONENTIAL, WEIBULL, LOG_LOGISTIC, SHIFTED_BETA_GEOMETRIC)
