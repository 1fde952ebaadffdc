"""Parametric families of the time to loss, each one entry of data.

A family is its log-survival function and nothing else: the likelihood (`estimation.likelihood`), the fit (`fit`)
and the projection (`projection`) are the same for all. A new one is an entry here, its place in `menu`, and a row in
the tests.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from scipy.special import log_ndtr

from cxlink.estimation.autodiff import chosen, plain
from cxlink.estimation.special_functions import log_gamma_survival, log_rising, mean_exponent
from cxlink.survival.families.family import (
    CHURN_ODDS_RATIO,
    CURE_ODDS_RATIO,
    HAZARD_RATIO,
    IDENTITY,
    LOG,
    LOGIT,
    TIME_RATIO,
    TIME_RATIO_OF_RATE,
    Array,
    Contained,
    Family,
    Link,
    Parameter,
)

_SLOPES = 61

EXPONENTIAL = Family(
    name="exponential",
    kind="exponential",
    parameters=(Parameter("rate", LOG),),
    log_survival=lambda t, rate: -t * rate,
    start=lambda hazard: (hazard,),
    whole_periods=False,
    location_ratio=TIME_RATIO_OF_RATE,
    source="Kalbfleisch & Prentice 2002, The Statistical Analysis of Failure Time Data, section 2.2.1",
)

WEIBULL = Family(
    name="weibull",
    kind="weibull",
    parameters=(Parameter("rate", LOG), Parameter("shape", LOG)),
    log_survival=lambda t, rate, shape: -np.exp(np.minimum(shape * (np.log(t) + np.log(rate)), 300.0)),
    start=lambda hazard: (hazard, 1.0),
    whole_periods=False,
    location_ratio=TIME_RATIO_OF_RATE,
    source="Weibull 1951, J. Applied Mechanics 18:293–297; S(t) = exp(−(rate·t)^shape)",
    contains=(Contained("exponential", lambda location, _: (location, np.zeros(1))),),
)


def gompertz(follow_up: float) -> Family:
    """Gompertz: a hazard that grows or falls exponentially, S(t) = exp(−rate·(e^{shape·t} − 1)/shape).

    Parameters
    ----------
    follow_up : float
        Periods in which its shape is scaled, so that the search sees numbers near 1.
    """
    scaled = Link(lambda x: x * follow_up, lambda x: x / follow_up, "identity", follow_up)
    return Family(
        name="gompertz",
        kind="gompertz",
        parameters=(Parameter("rate", LOG), Parameter("shape", scaled, -60.0, 60.0, 6.0)),
        log_survival=lambda t, rate, shape: -t * rate * mean_exponent(shape * t),
        start=lambda hazard: (hazard, 0.0),
        whole_periods=False,
        location_ratio=HAZARD_RATIO,
        source="Gompertz 1825, Philosophical Transactions 115:513–583, doi 10.1098/rstl.1825.0026",
        contains=(Contained("exponential", lambda location, _: (location, np.zeros(1))),),
    )


LOG_NORMAL = Family(
    name="log_normal",
    kind="log_normal",
    parameters=(Parameter("mu", IDENTITY), Parameter("sigma", LOG)),
    log_survival=lambda t, mu, sigma: log_ndtr((mu - np.log(t)) / sigma),
    start=lambda hazard: (-np.log(hazard) - 0.3, 1.2),
    whole_periods=False,
    location_ratio=TIME_RATIO,
    source="Kalbfleisch & Prentice 2002, section 2.2.3; S(t) = Φ((mu − log t)/sigma)",
)

LOG_LOGISTIC = Family(
    name="log_logistic",
    kind="log_logistic",
    parameters=(Parameter("scale", LOG), Parameter("shape", LOG)),
    log_survival=lambda t, scale, shape: -np.logaddexp(0.0, shape * (np.log(t) - np.log(scale))),
    start=lambda hazard: (1 / hazard, 1.2),
    whole_periods=False,
    location_ratio=TIME_RATIO,
    source="Bennett 1983, Applied Statistics 32:165–171, doi 10.2307/2347295; S(t) = 1/(1 + (t/scale)^shape)",
)

GENERALISED_GAMMA = Family(
    name="generalised_gamma",
    kind="generalised_gamma",
    parameters=(Parameter("mu", IDENTITY), Parameter("sigma", LOG), Parameter("q", IDENTITY, -6.0, 6.0, 3.0)),
    log_survival=lambda t, mu, sigma, q: log_gamma_survival((np.log(t) - mu) / sigma, q),
    start=lambda hazard: (-np.log(hazard) - 0.15, 1.1, 0.5),
    whole_periods=False,
    location_ratio=TIME_RATIO,
    source="Prentice 1974, Biometrika 61:539–544, doi 10.1093/biomet/61.3.539; Cox et al. 2007, doi 10.1002/sim.2836",
    contains=(
        Contained("weibull", lambda location, others: (-location, np.array([-others[0], 1.0]))),
        Contained("log_normal", lambda location, others: (location, np.array([others[0], 0.0]))),
    ),
)


def spline(knots: tuple[float, ...]) -> Family:
    """Natural cubic spline of the log cumulative hazard in log time, linear beyond the outer knots.

    log H(t) = level + slope·x + Σ bend_j·v_j(x), x = log t, v_j(x) = ((x−k_j)₊³ − λ_j(x−k_min)₊³ − (1−λ_j)(x−k_max)₊³)
    over (k_max − k_min)².

    Parameters
    ----------
    knots : tuple of float
        In log time, rising; the inner ones between the outer two.
    """
    first, *inner, last = knots
    width = (last - first) ** 2

    def log_survival(t: Array, level: Array, slope: Array, *bends: Array) -> Array:
        x = np.log(t)
        outer, end = (np.maximum(x - k, 0.0) ** 3 / width for k in (first, last))
        total = level + slope * x
        for knot, bend in zip(inner, bends, strict=True):
            share = (last - knot) / (last - first)
            column = np.maximum(x - knot, 0.0) ** 3 / width - share * outer - (1 - share) * end
            total = total + column * bend
        survival: Array = -np.exp(np.minimum(total, 300.0))
        return survival

    def slopes(x: float) -> tuple[float, ...]:
        outer, end = (3 * max(x - k, 0.0) ** 2 / width for k in (first, last))
        shares = ((knot, (last - knot) / (last - first)) for knot in inner)
        return (1.0, *(3 * max(x - k, 0.0) ** 2 / width - c * outer - (1 - c) * end for k, c in shares))

    bends = tuple(Parameter(f"bend_{k}", IDENTITY, -1e4, 1e4, np.inf) for k in range(1, len(inner) + 1))
    return Family(
        name=f"spline_{len(inner)}",
        kind="spline",
        parameters=(
            Parameter("level", IDENTITY),
            Parameter("slope", IDENTITY, -50.0, 50.0, 3.0, 1.0),
            *bends,
        ),
        log_survival=log_survival,
        start=lambda hazard: (np.log(hazard), 1.0, *(0.0 for _ in inner)),
        whole_periods=False,
        location_ratio=HAZARD_RATIO,
        source="Royston & Parmar 2002, Statistics in Medicine 21:2175–2197, doi 10.1002/sim.1203",
        contains=(
            Contained(
                "weibull",
                lambda location, others: (
                    np.exp(others[0]) * location,
                    np.r_[np.exp(others[0]), np.zeros(len(inner))],
                ),
            ),
        ),
        # between knots the slope is a parabola: so many points leave no room for a dip that matters
        rising=tuple(slopes(float(x)) for x in np.linspace(first, last, _SLOPES)) if inner else (),
    )


def _beta_geometric(t: Array, churn: Array, polarisation: Array) -> Array:
    """Log S(t) = log B(α, β+t) − log B(α, β), with α = μ(1−φ)/φ and β = (1−μ)(1−φ)/φ."""
    # Under 1e-10 it is the geometric to all digits that matter.
    floored = np.maximum(polarisation, 1e-10)
    both = (1 - floored) / floored
    alpha, beta = both * churn, both * (1 - churn)
    # Γ(β+t)Γ(α+β)/(Γ(β)Γ(α+β+t)): the steps of the ratios are t or α; differences of the smaller one keep their digits
    near = plain(t) <= plain(alpha)
    log_survival: Array = chosen(
        near,
        lambda: log_rising(beta, t) - log_rising(both, t),
        lambda: log_rising(beta, alpha) - log_rising(beta + t, alpha),
    )
    return log_survival


def _first_period(location: Array, shape: Array) -> Array:
    """Logit of the loss in the first period under a Weibull distribution; from log rates and log shape."""
    hazard = np.exp(np.clip(location * np.exp(shape), -300.0, 5.0))
    odds: Array = np.log(np.expm1(hazard))
    return odds


_POLARISATION = Parameter("polarisation", LOGIT, low=-20.0, high=12.0)
_GEOMETRIC = np.array([_POLARISATION.low])

SHIFTED_BETA_GEOMETRIC = Family(
    name="shifted_beta_geometric",
    kind="shifted_beta_geometric",
    parameters=(Parameter("mean_churn", LOGIT), _POLARISATION),
    log_survival=_beta_geometric,
    start=lambda hazard: (min(hazard, 0.95), 0.2),
    whole_periods=True,
    location_ratio=CHURN_ODDS_RATIO,
    source="Fader & Hardie 2007, J. Interactive Marketing 21(1):76–90, doi 10.1002/dir.20074",
    contains=(
        Contained("exponential", lambda location, _: (_first_period(location, np.zeros(1)), _GEOMETRIC)),
    ),
)

BETA_DISCRETE_WEIBULL = Family(
    name="beta_discrete_weibull",
    kind="beta_discrete_weibull",
    parameters=(Parameter("mean_churn", LOGIT), _POLARISATION, Parameter("shape", LOG)),
    # t^shape, held to 1e121: products of its derivatives would leave a double's range
    log_survival=lambda t, churn, polarisation, shape: _beta_geometric(
        np.exp(np.minimum(shape * np.log(t), 280.0)), churn, polarisation
    ),
    start=lambda hazard: (min(hazard, 0.95), 0.2, 1.0),
    whole_periods=True,
    location_ratio=CHURN_ODDS_RATIO,
    source="Fader, Hardie, Liu, Davin & Steenburgh 2018, doi 10.1016/j.intmar.2018.01.002",
    contains=(
        Contained("shifted_beta_geometric", lambda location, others: (location, np.r_[others, 0.0])),
        Contained(
            "weibull",
            lambda location, others: (_first_period(location, others[0]), np.r_[_GEOMETRIC, others]),
        ),
    ),
)


def cure(family: Family) -> Family:
    """Mixture cure: a share of the customers never leaves, the others follow a family; S = π + (1 − π)·S_u.

    The score acts on the share π.

    Parameters
    ----------
    family : Family
        Of the uncured.
    """

    def log_survival(t: Array, cured: Array, *others: Array) -> Array:
        # the uncured's curve is the same for all scores: its exponential is taken once, of few numbers
        total: Array = np.log(cured + (1 - cured) * np.exp(family.log_survival(t, *others)))
        return total

    never = -16.0
    uncured, *shape = family.parameters
    pace = Parameter(uncured.name, uncured.link, -30.0, 30.0, centre=np.nan)
    return Family(
        name=f"cure_{family.name}",
        kind="cure",
        parameters=(Parameter("cured", LOGIT), pace, *shape),
        log_survival=log_survival,
        start=lambda hazard: (0.3, *family.start(min(1.5 * hazard, 0.9))),
        whole_periods=family.whole_periods,
        location_ratio=CURE_ODDS_RATIO,
        source="Boag 1949, JRSS B 11:15–53; Berkson & Gage 1952, doi 10.1080/01621459.1952.10501187",
        contains=(
            Contained(
                family.name,
                lambda location, others: (
                    np.full(np.shape(location), never),
                    np.r_[np.mean(location), others],
                ),
                one_group=True,
            ),
        ),
    )


def menu(lost: Array) -> tuple[Family, ...]:
    """Every family, those that depend on the data among them.

    Parameters
    ----------
    lost : ndarray of shape (n_periods,)
        Customers lost in each period: knots of splines are quantiles of the time of loss.

    Returns
    -------
    tuple of Family
        Each after those that it contains.
    """
    follow_up = float(max(len(lost), 1))
    plain = (EXPONENTIAL, WEIBULL, gompertz(follow_up), LOG_NORMAL, LOG_LOGISTIC, GENERALISED_GAMMA)
    splines = tuple(spline(knots_for(lost, n)) for n in range(1, 5))
    return (
        *plain,
        *splines,
        *(cure(family) for family in plain),
        SHIFTED_BETA_GEOMETRIC,
        BETA_DISCRETE_WEIBULL,
    )


@cache
def families_by_name() -> Mapping[str, Family]:
    """Give every family by its name, for what is true of it whatever the counts: its kind, its parameters."""
    return {family.name: family for family in menu(np.ones(1))}


def knots_for(lost: Array, n_inner: int) -> tuple[float, ...]:
    """Knots in log time: the first and last period with losses, and between them even quantiles of the losses.

    Where quantiles coincide, the inner knots are evenly spaced in log time instead.

    Parameters
    ----------
    lost : ndarray of shape (n_periods,)
        Customers lost in each period.
    n_inner : int
        Inner knots.
    """
    period = np.flatnonzero(lost > 0) + 1.0
    first, last = (np.log(period[0]), np.log(period[-1])) if len(period) > 1 else (0.0, np.log(2.0))
    even = np.linspace(first, last, n_inner + 2)
    if len(period) <= n_inner + 1:
        return tuple(even)
    share = np.cumsum(lost[lost > 0]) / lost.sum()
    at = np.arange(1, n_inner + 1) / (n_inner + 1)
    inner = np.log(np.interp(at, share, period))
    knots = np.array([first, *inner, last])
    return tuple(knots if np.diff(knots).min() > 0.05 * (last - first) else even)
