"""Functions of time that continued hazards are made of: straight in log time beyond the data, and there damped."""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

KNOTS = 4
"""Few: more knots follow the accidents of the last periods, and extrapolate those (tried on published curves)."""
DAMPED = 0.3
"""Beyond the data log time x − x_T counts (1 − e^(−0.3·(x − x_T))) / 0.3: trends rarely last (tried on the same)."""
ONE, LOG_TIME, FADING, RENEWAL, SPLINE = range(5)


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
    """Functions of time: 1, log time, what fades, renewals, a spline of log time, and steps at breaks.

    Attributes
    ----------
    half_life : float
        Periods in which what fades halves; infinite: nothing fades.
    drifts : bool
        Whether the score's effect is straight in log time.
    renewals : RenewalTimes
        Their cycle.
    last : float
        Log of the middle of the last period with data.
    centre : float
        Mean log time of the losses.
    knots : ndarray of shape (n_knots,)
        Of the spline, rising; none where there are fewer than three periods.
    loading : ndarray of shape (n_knots, n_knots - 2)
        Values at the knots of curves with ∫f''² = 1, orthogonal to straight lines.
    breaks : tuple of int
        Last periods before a break, after each of which a step is 1.
    """

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

    def at(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Values in steps from ``begin`` to ``end``, in periods: at their middles.

        Returns
        -------
        ndarray of shape (n_functions, n_steps)
            Of renewals: how many fall in a step, over its length.
        """
        middle = (begin + end) / 2
        x = np.log(middle)
        beyond = np.maximum(x - self.last, 0.0)
        x = np.minimum(x, self.last) - np.expm1(-DAMPED * beyond) / DAMPED
        fading = 2.0 ** (-middle / self.half_life) if np.isfinite(self.half_life) else np.zeros(len(x))
        renewals = np.zeros(len(x))
        every, after = self.renewals.every, self.renewals.beyond
        if every:
            renewals = (np.floor(end / every) - np.floor(begin / every)) / (end - begin)
            if after is not None:
                renewals = np.where(np.log(middle) > self.last, after, renewals)
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
        Whether the score's effect is straight in log time.
    """
    x = np.log(np.arange(len(lost)) + 0.5)
    weight = lost + 1e-9
    even = np.linspace(x[0], x[-1], min(KNOTS, len(x)))
    knots = np.unique(x[np.abs(x[:, None] - even).argmin(axis=0)])
    knots = knots if len(knots) > 2 else np.zeros(0)
    return TimeFunctions(
        half_life,
        drifts,
        renewals or RenewalTimes(),
        float(x[-1]),
        float(x @ weight / weight.sum()),
        knots,
        _loading(knots),
        breaks,
    )


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
