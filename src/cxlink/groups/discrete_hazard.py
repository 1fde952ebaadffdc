"""Period by period: hazards of many draws at once, and survival from them."""

import numpy as np

EXTINCT = -800.0
"""Stands for log 0 in a step of log S: exp of it is 0, and differences of sums of it stay finite."""
_LEAST = -700.0


def survival_of(log_survival: np.ndarray) -> np.ndarray:
    """S from log S, an array of its own.

    Below e^−700 numpy takes six times as long for an exponential: there it is the product of two.
    """
    deep = log_survival.min(initial=0.0) < _LEAST
    survival: np.ndarray = np.exp(np.maximum(log_survival, _LEAST) if deep else log_survival)
    if deep:
        rest = np.clip(log_survival - _LEAST, _LEAST, 0.0)
        survival *= np.exp(rest, out=rest)
    return survival


def hazards(at_risk: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """Share of those at risk that is lost in each period: d / r; 0 where nobody is at risk, and never over 1."""
    ratio: np.ndarray = np.divide(
        lost, at_risk, out=np.zeros(np.broadcast_shapes(lost.shape, at_risk.shape)), where=at_risk > 0
    )
    # sums of weights that are no whole numbers may leave one in the last digit
    np.minimum(ratio, 1.0, out=ratio)
    return ratio


def log_survival(hazard: np.ndarray) -> np.ndarray:
    """Kaplan–Meier on the log scale: log S(t) = Σ_{u ≤ t} log(1 − h_u).

    Parameters
    ----------
    hazard : ndarray of shape (n_curves, n_periods, n_draws)
        h = d / r.

    Returns
    -------
    ndarray of shape (n_curves, n_periods + 1, n_draws)
        At t = 0, 1, …; with a step of `EXTINCT` where all at risk were lost.
    """
    n_curves, n_periods, n_draws = hazard.shape
    total = np.zeros((n_curves, n_periods + 1, n_draws))
    step = total[:, 1:]
    with np.errstate(divide="ignore"):
        np.log1p(-hazard, out=step)
    np.maximum(step, EXTINCT, out=step)
    add_up(step)
    return total


def add_up(steps: np.ndarray) -> None:
    """Replace steps, (n_curves, n_steps, n_draws), by their sums so far: draws side by side, unlike ``cumsum``."""
    for t in range(1, steps.shape[1]):
        steps[:, t] += steps[:, t - 1]


def carried(hazard: np.ndarray, empty: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave out draws in the periods whose risk set they emptied: there, the draw before counts again.

    Cells hold different customers, and Kaplan–Meier hazards of different periods are uncorrelated, so that this is
    the law of the draws that empty nothing; leaving out whole draws would leave none where strata are many.

    Parameters
    ----------
    hazard : ndarray of shape (n_kinds, n_curves, n_periods, n_draws)
        Changed in place.
    empty : bool ndarray of shape (n_curves, n_periods, n_draws)
        Where a draw has nobody at risk.
    last : ndarray of shape (n_kinds, n_curves, n_periods)
        Hazards of the draw before the first.

    Returns
    -------
    hazard, last : ndarray
        Both without the gaps.
    """
    rows = empty.any(axis=-1)
    if rows.any():
        known = np.concatenate([last[:, rows][..., None], hazard[:, rows]], axis=-1)
        source = np.where(empty[rows], 0, np.arange(1, known.shape[-1]))
        source = np.maximum.accumulate(source, axis=-1)
        hazard[:, rows] = np.take_along_axis(known, source[None], axis=-1)
    return hazard, hazard[..., -1].copy()
