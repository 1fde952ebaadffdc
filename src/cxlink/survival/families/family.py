"""What a parametric family is: its log-survival function, its parameters with their links, and what it contains."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

Array = np.ndarray
Linked = tuple[Array, Array]
"""Locations, of any shape, and the other parameters, (n_others,); on their link scales."""


@dataclass(frozen=True, slots=True)
class Link:
    """A scale without bounds for a parameter.

    Attributes
    ----------
    forward, inverse : callable
        To the scale, and back from it; the latter with automatic differentiation too.
    name : {"log", "logit", "identity"}
        The function, up to ``unit``.
    unit : float
        What one of the function's own units is on the scale.
    """

    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]
    name: str
    unit: float = 1.0


# Clipped where a double would overflow, or where 1 − p would be 0: far outside of what data can tell apart.
LOG = Link(np.log, lambda x: np.exp(np.minimum(np.maximum(x, -300.0), 300.0)), "log")
LOGIT = Link(logit, lambda x: expit(np.minimum(np.maximum(x, -34.0), 34.0)), "logit")
IDENTITY = Link(lambda x: x, lambda x: x, "identity")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a family.

    Attributes
    ----------
    name : str
        As the literature names it.
    link : Link
        Its scale.
    low, high : float
        Bounds on the link scale, of a parameter that is no location: beyond them nothing changes that data could tell.
    vague : float
        A standard error on the link over which draws follow a penalised likelihood.
    centre : float
        Where that penalty has its top, on the link scale; NaN for where the cohort as one group has it.
    """

    name: str
    link: Link
    low: float = -8.0
    high: float = 8.0
    vague: float = 1.5
    centre: float = 0.0


@dataclass(frozen=True, slots=True)
class LocationRatio:
    """What a difference of locations is, as a ratio, and which way it points.

    Attributes
    ----------
    ratio : str
        A name: ``hazard_ratio``, ``time_ratio``, ``staying_odds_ratio`` (of never leaving), ``leaving_odds_ratio`` (in
        the first period).
    sign : float
        The ratio is exp(sign · difference of locations).
    scale : str
        Of the ratio's logarithm, in the table of coefficients.
    """

    ratio: str
    sign: float
    scale: str


HAZARD_RATIO = LocationRatio("hazard_ratio", 1.0, "log_hazard_ratio")
TIME_RATIO_OF_RATE = LocationRatio("time_ratio", -1.0, "log_time_ratio")
TIME_RATIO = LocationRatio("time_ratio", 1.0, "log_time_ratio")
CURE_ODDS_RATIO = LocationRatio("staying_odds_ratio", 1.0, "log_odds_ratio")
CHURN_ODDS_RATIO = LocationRatio("leaving_odds_ratio", 1.0, "log_odds_ratio")


@dataclass(frozen=True, slots=True)
class Contained:
    """A family that another contains, and where in it.

    Attributes
    ----------
    name : str
        Of the contained family.
    embed : callable
        From its locations and other parameters to the containing one's, on link scales.
    one_group : bool
        Whether only without effects on the location.
    """

    name: str
    embed: Callable[[Array, Array], Linked]
    one_group: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """A parametric family of survival functions.

    Attributes
    ----------
    name : str
        As in the estimates table.
    kind : str
        Its class in an average, which has one member a class: its name, ``spline`` or ``cure``.
    parameters : tuple of Parameter
        The first is the location, on which score and strata act additively through its link; the score may act on
        the second as well.
    log_survival : callable
        log S of (t, *parameters), by broadcasting, of arrays or values with derivatives; t > 0 in periods.
    start : callable
        Starting values of the parameters from a hazard per period.
    whole_periods : bool
        Whether S is known at whole periods only (a discrete model), and log-linear between them.
    location_ratio : LocationRatio
        Of its location.
    source : str
        Where it is described.
    contains : tuple of Contained
        Families that are special cases.
    rising : tuple of tuple of float
        Combinations of the parameters beside the location that may not be negative; for a spline, the slopes of its
        cumulative hazard.
    """

    name: str
    kind: str
    parameters: tuple[Parameter, ...]
    log_survival: Callable[..., Array]
    start: Callable[[float], tuple[float, ...]]
    whole_periods: bool
    location_ratio: LocationRatio
    source: str
    contains: tuple[Contained, ...] = ()
    rising: tuple[tuple[float, ...], ...] = ()

    def linked(self, t: Array, *linked: Array) -> Array:
        """Log-survival at t of parameters on their link scales."""
        values = [p.link.inverse(value) for p, value in zip(self.parameters, linked, strict=True)]
        return self.log_survival(t, *values)

    def start_linked(self, hazard: float) -> Array:
        """Give starting values on the link scales, of shape (n_parameters,)."""
        values = zip(self.parameters, self.start(hazard), strict=True)
        return np.array([float(p.link.forward(np.asarray(value))) for p, value in values])
