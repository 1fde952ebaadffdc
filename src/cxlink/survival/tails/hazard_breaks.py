"""Breaks of the hazard inside follow-up: a level that changes at once, and stays.

A curve of a few knots runs a slope through a break and carries that slope on beyond the data. Breaks are looked for at
every period by likelihood, beside the curve that is fitted without them, each moved once more when another is added.
What hazards vary by from one period to the next is no break: the gain in twice the log-likelihood, over the dispersion
of what is left, is compared with F at .001 over all places that are tried (Bonferroni). As many breaks stand as are
clear together and whose last is clear beside the others, since one break hides another (Bai & Perron 1998, doi
10.2307/2998540). At .01 a published curve with a hump, which few knots follow badly, shows a break; at .001 none does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np
from scipy.stats import f as f_distribution

from cxlink.survival.tails.tail_fit import CellCounts, TailFit, derivatives
from cxlink.survival.tails.time_functions import LINE, ONE, RENEWAL, SPLINE

MOST_BREAKS = 3
SMALLEST = 0.1
"""Of the log hazard: in large cohorts every bend that few knots do not follow is clear, and steps as small as that."""
_BEFORE, _AFTER = 2, 3
_LEVEL = 0.001
_ROUNDS, _RIDGE, _SETTLED = 25, 1e-6, 1e-7
_LOWEST, _HIGHEST, _NEARLY = -40.0, 6.0, 1e-12


def hazard_breaks(counts: CellCounts, fit: TailFit) -> tuple[int, ...]:
    """Find the last periods before breaks that levels and strata share.

    Parameters
    ----------
    counts : CellCounts
        The cohort.
    fit : TailFit
        Of its counts, without a break: what levels, strata and renewals make of each period's hazard.

    Returns
    -------
    tuple of int
        Rising, `MOST_BREAKS` at most; each has two periods before it, and three before the next and the end.
    """
    cohort = CellCounts(counts.at_risk.sum(axis=0), counts.lost.sum(axis=0))
    searched = list(_searched(_Cohort(cohort, *_without_break(counts, fit))))
    for m in range(len(searched) - 1, 0, -1):
        together, last = (_clear(searched[fewer], searched[m]) for fewer in (0, m - 1))
        if together and last and np.abs(searched[m].steps).min() >= SMALLEST:
            return tuple(sorted(searched[m].places))
    return ()


def _without_break(counts: CellCounts, fit: TailFit) -> tuple[np.ndarray, list[np.ndarray]]:
    """Log hazard of the cohort as it was fitted, (n_periods,), and functions of time that may bend it further."""
    end = np.arange(1.0, counts.lost.shape[1] + 1)
    log_hazard = np.clip(fit.log_hazards(fit.theta[:, None], end - 1, end)[..., 0], _LOWEST, _HIGHEST)
    expected = (counts.at_risk * -np.expm1(-np.exp(log_hazard))).sum(axis=0)
    share = np.clip(expected / np.maximum(counts.at_risk.sum(axis=0), 1), _NEARLY, 1 - _NEARLY)
    values = fit.terms.time.at(end - 1, end)
    used = [LINE, *([RENEWAL] if fit.terms.time.renewals.every else []), *range(SPLINE, len(values))]
    return np.log(-np.log1p(-share)), [values[ONE], *(values[k] for k in used if np.ptp(values[k]) > 0)]


@dataclass(frozen=True, slots=True)
class _Broken:
    """A hazard with breaks, fitted to a cohort.

    Attributes
    ----------
    places : tuple of int
        Last periods before them.
    tried : int
        Places among which the last was chosen.
    steps : ndarray of shape (n_breaks,)
        Of the log hazard.
    value : float
        Log-likelihood.
    left, spare : float, int
        Pearson's χ² of what is left, and its degrees of freedom.
    """

    places: tuple[int, ...]
    tried: int
    steps: np.ndarray
    value: float
    left: float
    spare: int


def _clear(fewer: _Broken, more: _Broken) -> bool:
    """Whether more breaks predict better than dispersion makes likely at so many places."""
    extra = len(more.places) - len(fewer.places)
    gain = 2 * (more.value - fewer.value) / extra / max(1.0, more.left / more.spare)
    return bool(f_distribution.sf(gain, extra, more.spare) * comb(more.tried, extra) < _LEVEL)


def _searched(cohort: "_Cohort") -> Iterator[_Broken]:
    """Give the best fit without a break, with one, with two, …, as far as there are places."""
    curve: _Broken | None = cohort.best([()])
    while curve is not None and curve.spare > 0:
        yield curve
        if len(curve.places) == MOST_BREAKS:
            return
        earlier, curve = curve.places, cohort.one_more(curve.places)
        for _ in earlier:  # the first goes and comes back where it is best now
            curve = cohort.one_more(curve.places[1:]) if curve is not None else None


@dataclass(frozen=True, slots=True, eq=False)
class _Cohort:
    """Losses of a cohort by period, (n_periods,), a log hazard that they are fitted beside, and functions of time."""

    counts: CellCounts
    offset: np.ndarray
    basis: list[np.ndarray]

    def one_more(self, places: tuple[int, ...]) -> _Broken | None:
        """Add a break where the likelihood is highest; None where there is no place."""
        n = len(self.offset)
        free = [b for b in range(_BEFORE, n - _AFTER + 1) if all(abs(b - one) >= _AFTER for one in places)]
        return self.best([(*places, b) for b in free]) if free else None

    def best(self, tried: list[tuple[int, ...]]) -> _Broken:
        """Fit the hazard with each of several sets of breaks, and give that of the highest likelihood."""
        counts, period = self.counts, np.arange(len(self.offset))
        steps = (period >= np.array(tried, dtype=int)[:, :, None]).astype(float)
        basis = np.broadcast_to(np.array(self.basis), (len(tried), len(self.basis), len(period)))
        columns = np.concatenate([basis, steps], axis=1)
        theta = self._scored(columns)
        rate = self._rate(columns, theta)
        share = -np.expm1(-rate)
        value = (counts.lost * np.log(share) - (counts.at_risk - counts.lost) * rate).sum(axis=1)
        variance = np.maximum(counts.at_risk * share * (1 - share), _NEARLY)
        left = ((counts.lost - counts.at_risk * share) ** 2 / variance).sum(axis=1)
        spare, k = int((counts.at_risk > 0).sum()) - columns.shape[1], int(value.argmax())
        own = theta[k, len(self.basis) :]
        return _Broken(tried[k], len(tried), own, float(value[k]), float(left[k]), spare)

    def _scored(self, columns: np.ndarray) -> np.ndarray:
        """Coefficients of columns, (n_tried, n_columns, n_periods), by Fisher scoring."""
        theta = np.zeros(columns.shape[:2])
        for _ in range(_ROUNDS):
            slope, weight = derivatives(self.counts, self._rate(columns, theta))
            information = (columns * weight[:, None]) @ np.swapaxes(columns, 1, 2)
            information += _RIDGE * np.eye(columns.shape[1])
            gradient = (columns @ slope[..., None])[..., 0] - _RIDGE * theta
            step = np.linalg.solve(information, gradient[..., None])[..., 0]
            longest = np.abs(step).max(axis=1, keepdims=True)
            theta = theta + step / np.maximum(1.0, longest)
            if longest.max() < _SETTLED:
                break
        return theta

    def _rate(self, columns: np.ndarray, theta: np.ndarray) -> np.ndarray:
        """Hazards of each period, (n_tried, n_periods)."""
        log_rate = self.offset + (theta[:, None] @ columns)[:, 0]
        rate: np.ndarray = np.exp(np.clip(log_rate, _LOWEST, _HIGHEST))
        return rate
