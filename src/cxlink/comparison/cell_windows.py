"""Customers at risk and lost of the cells of a frame, and the steps of their cumulative hazards over its windows."""

import numpy as np

from cxlink.cohort.count.spells import RiskSets
from cxlink.comparison.common_support import Frame
from cxlink.groups.discrete_hazard import EXTINCT

_ROUNDING = 1e-9


def customers_of(at_risk: np.ndarray) -> np.ndarray:
    """Customers of each cell: the most at risk at once."""
    customers: np.ndarray = at_risk.max(axis=2)
    return customers


def plain_steps(at_risk: np.ndarray, lost: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """Steps of the cumulative hazard; ``otherwise`` where nobody is at risk, but for the rounding of drawn weights."""
    anybody = at_risk > _ROUNDING
    with np.errstate(divide="ignore"):
        steps = -np.log1p(-np.minimum(lost / np.where(anybody, at_risk, np.inf), 1.0))
    plain: np.ndarray = np.where(anybody, np.minimum(steps, -EXTINCT), otherwise)
    return plain


def counted_in(count: RiskSets, weights: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """At risk and lost (n_levels, n_strata, n_periods, n_draws), for exactly the periods of the frame."""
    wanted, made = frame.n_periods, []
    for counts in count(weights):
        short = max(wanted - counts.shape[1], 0)
        counts = np.pad(counts[:, :wanted], ((0, 0), (0, short), (0, 0)))
        made.append(counts.reshape(len(frame.levels), len(frame.strata), wanted, -1))
    return made[0], made[1]


def window_steps(steps: np.ndarray, frame: Frame) -> np.ndarray:
    """Cumulative hazard from each place's entry to its horizon: (n_levels, n_places, n_draws)."""
    total = np.pad(np.cumsum(steps, axis=2), ((0, 0), (0, 0), (1, 0), (0, 0)))
    cumulative: np.ndarray = (
        total[:, frame.stratum, frame.entry + frame.horizon] - total[:, frame.stratum, frame.entry]
    )
    return cumulative
