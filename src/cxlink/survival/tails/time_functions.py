"""Functions of time that continued hazards are made of: straight beyond the data.

In log time they are damped there. In time itself they are not: a hazard may fall to nothing, as where a share of the
customers never leaves. That is a Gompertz hazard of a negative slope, whose survival ends above 0 (a defective
distribution, see doi 10.1007/s10985-015-9328-x).
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

KNOTS = 4
"""Few: more knots follow the accidents of the last periods, and extrapolate those (tried on published curves).

In time, where a slope is not damped, there is one less.
"""
DAMPED = 0.3
"""Beyond the data log time x − x_T counts (1 − e^(−0.3·(x − x_T))) / 0.3: trends rarely last (tried on the same)."""
ONE, LINE, FADING, RENEWAL, SPLINE = range(5)


@dataclass(frozen=True, slots=True)
class RenewalTimes:
    """Periods in which losses come back.

    Attributes
    ----------
    every : int
        Periods between them; 0: there are none.
    beyond : float or None
        How many a period are expected after the data; None: the cycle is carried on.
    """

    every: int = 0
    beyond: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TimeFunctions:
    """Functions of time: 1, a line, what fades, renewals, a spline, and steps at breaks.

    Attributes
    ----------
    in_time : bool
        Whether line and spline are of time over `last`, rather than of log time.
    half_life : float
        Periods in which what fades halves; infinite: nothing fades.
    drifts : bool
        Whether the score's effect is a line as well.
    renewals : RenewalTimes
        Their cycle.
    last : float
        Middle of the last period with data, in periods.
    centre : float
        Mean of the losses' places on the line.
    knots : ndarray of shape (n_knots,)
        Of the spline, rising; none where there are fewer than three periods.
    loading : ndarray of shape (n_knots, n_knots - 2)
        Values at the knots of curves with ∫f''² = 1, orthogonal to straight lines.
    breaks : tuple of int
        Last periods before a break, after each of which a step is 1.
    """

    in_time: bool
    half_life: float
    drifts: bool
    renewals: RenewalTimes
    last: float
    centre: float
    knots: np.ndarray
    loading: np.ndarray
    breaks: tuple[int, ...] = ()

    @property
    def n_functions(self) -> int:
        """How many there are."""
        return self.first_step + len(self.breaks)

    @property
    def first_step(self) -> int:
        """Position of the first step; those of the spline end before it."""
        return SPLINE + int(self.loading.shape[1])

    @property
    def curve(self) -> list[int]:
        """Positions of the line and of the spline."""
        return [LINE, *range(SPLINE, self.first_step)]

    def at_last(self) -> np.ndarray:
        """Values in the last period with data, of shape (n_functions, 1)."""
        return self.at(np.array([self.last - 0.5]), np.array([self.last + 0.5]))

    def at(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Values in steps from ``begin`` to ``end``, in periods: at their middles.

        Returns
        -------
        ndarray of shape (n_functions, n_steps)
            Of renewals: how many fall in a step, over its length.
        """
        middle = (begin + end) / 2
        x = _placed(middle, self.last, self.in_time)
        fading = 2.0 ** (-middle / self.half_life) if np.isfinite(self.half_life) else np.zeros(len(x))
        renewals = np.zeros(len(x))
        every, after = self.renewals.every, self.renewals.beyond
        if every:
            renewals = (np.floor(end / every) - np.floor(begin / every)) / (end - begin)
            if after is not None:
                renewals = np.where(middle > self.last, after, renewals)
        steps = (middle > np.array(self.breaks, dtype=float)[:, None]).astype(float)
        return np.vstack([np.ones(len(x)), x - self.centre, fading, renewals, self._spline(x), steps])

    def _spline(self, x: np.ndarray) -> np.ndarray:
        if not len(self.knots):
            return np.zeros((0, len(x)))
        cardinal = CubicSpline(self.knots, np.eye(len(self.knots)), bc_type="natural")
        first, last = self.knots[[0, -1]]
        values = cardinal(np.clip(x, first, last))
        values += np.outer(np.minimum(x - first, 0.0), cardinal(first, 1))
        values += np.outer(np.maximum(x - last, 0.0), cardinal(last, 1))
        curved: np.ndarray = (values @ self.loading).T
        return curved


def time_functions(
    lost: np.ndarray,
    half_life: float = np.inf,
    renewals: RenewalTimes | None = None,
    breaks: tuple[int, ...] = (),
    *,
    drifts: bool = False,
    in_time: bool = False,
) -> TimeFunctions:
    """Lay out functions of time.

    Parameters
    ----------
    lost : ndarray of shape (n_periods,)
        Losses of the cohort by period; the last one has somebody at risk.
    half_life : float
        Of what fades, in periods.
    renewals : RenewalTimes, optional
        Their cycle; none by default.
    breaks : tuple of int
        Last periods before breaks.
    drifts : bool
        Whether the score's effect is a line as well.
    in_time : bool
        Whether line and spline are of time, rather than of log time.
    """
    middle = np.arange(len(lost)) + 0.5
    x = _placed(middle, middle[-1], in_time)
    weight = lost + 1e-9
    even = np.linspace(x[0], x[-1], min(KNOTS - in_time, len(x)))
    knots = np.unique(x[np.abs(x[:, None] - even).argmin(axis=0)])
    knots = knots if len(knots) > 2 else np.zeros(0)
    return TimeFunctions(
        in_time,
        half_life,
        drifts,
        renewals or RenewalTimes(),
        float(middle[-1]),
        float(x @ weight / weight.sum()),
        knots,
        _loading(knots),
        breaks,
    )


def _placed(middle: np.ndarray, last: float, in_time: bool) -> np.ndarray:
    """Places of times on the line: their share of the last one, or log time, damped after it."""
    if in_time:
        return middle / last
    x, end = np.log(middle), np.log(last)
    placed: np.ndarray = np.minimum(x, end) - np.expm1(-DAMPED * np.maximum(x - end, 0.0)) / DAMPED
    return placed


def _loading(knots: np.ndarray) -> np.ndarray:
    if not len(knots):
        return np.zeros((0, 0))
    second = CubicSpline(knots, np.eye(len(knots)), bc_type="natural")(knots, 2)
    # second derivatives are straight between knots: the integral of their squares
    mass = np.zeros((len(knots), len(knots)))
    for k, h in enumerate(np.diff(knots)):
        mass[k : k + 2, k : k + 2] += h / 6 * np.array([[2.0, 1.0], [1.0, 2.0]])
    values, vectors = np.linalg.eigh(second.T @ mass @ second)
    loading: np.ndarray = vectors[:, 2:] / np.sqrt(values[2:])
    return loading
