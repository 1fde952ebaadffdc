"""Retention by Kaplan–Meier with weights for censoring, and what each customer moves it by.

Who is still followed in period t stands for those censored before who were alike in level and stratum,

    w = Π_{entry < u < t} (1 − κ_u) / (1 − κ_u(x)),

κ_u given level and stratum alone, κ_u(x) given the other scores x as well (stabilised weights; Robins & Finkelstein
2000, doi 10.1111/j.0006-341X.2000.00779.x). The influence of a customer on S(h) is exact to first order: as one who is
at risk or lost, through κ, and through the effects of the other scores.
"""

from dataclasses import dataclass

import numpy as np

from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import hazards, log_survival
from cxlink.sensitivity.censoring_weights.censoring_fit import CensoringFit
from cxlink.sensitivity.censoring_weights.follow_up_arrays import FollowUpArrays

MOST_WEIGHT = 10.0
"""A customer stands for at most ten: larger weights count as this."""


@dataclass(frozen=True, slots=True, eq=False)
class CensoringWeights:
    """Weights of customers by kind and period.

    Attributes
    ----------
    arrays, fit
        The customers, and the fitted hazard of censoring.
    unbounded : ndarray of shape (n_kinds, n_periods)
        Weights as they come out.
    """

    arrays: FollowUpArrays
    fit: CensoringFit
    unbounded: np.ndarray

    @property
    def weight(self) -> np.ndarray:
        """Weights, at most `MOST_WEIGHT`."""
        bounded: np.ndarray = np.minimum(self.unbounded, MOST_WEIGHT)
        return bounded

    @property
    def rate(self) -> np.ndarray:
        """−log(1 − κ(x)) of each kind and period; 0 where not informative."""
        rate: np.ndarray = (
            self.fit.baseline[self.arrays.pair] * self.fit.ratios[self.arrays.combination][:, None]
        )
        return rate


@dataclass(frozen=True, slots=True, eq=False)
class WeightedRetention:
    """Retention of a group at the horizon.

    Attributes
    ----------
    value : float
        S(h).
    influence : ndarray of shape (n_cells,)
        What one customer more in each cell moves it by.
    """

    value: float
    influence: np.ndarray


def weights_of(arrays: FollowUpArrays, fit: CensoringFit) -> CensoringWeights:
    """Give the weights of a fit."""
    alone = CensoringWeights(arrays, fit, np.ones(arrays.at_risk.shape))
    kept = np.log1p(-np.where(fit.informative, fit.share, 0.0))[arrays.pair]
    steps = (kept + alone.rate) * arrays.seen
    before = np.concatenate([np.zeros((len(steps), 1)), np.cumsum(steps, axis=1)[:, :-1]], axis=1)
    return CensoringWeights(arrays, fit, np.exp(before))


def weighted_retention(
    weights: CensoringWeights, members: tuple[np.ndarray, ...], standard: Standard, horizon: int
) -> WeightedRetention:
    """Estimate retention of a group.

    Parameters
    ----------
    weights : CensoringWeights
        Of all customers.
    members : tuple of int ndarray
        Pairs that are pooled into each curve.
    standard : Standard
        The group, as an average over curves and entries.
    horizon : int
        In periods after entry.
    """
    arrays, weight = weights.arrays, weights.weight
    curve, of_pair = _curves(members, standard, arrays.n_pairs)
    own, n_curves = of_pair[arrays.pair], int(of_pair.max()) + 1
    inside = own >= 0
    at_risk, lost = np.zeros((2, n_curves, weight.shape[1]))
    np.add.at(at_risk, own[inside], (weight * arrays.at_risk)[inside])
    np.add.at(lost, own[inside], (weight * arrays.gone)[inside])
    hazard = hazards(at_risk, lost)
    value, slope = _survival(hazard, curve, standard, horizon)
    each = np.divide(slope, at_risk, out=np.zeros_like(slope), where=at_risk > 0)
    moves = np.where(inside[:, None], each[own], 0.0) * weight * arrays.seen
    mean = np.where(inside[:, None], hazard[own], 0.0)
    direct = _until(-moves * mean, arrays.kind, arrays.exit)
    direct[arrays.lost] += moves[arrays.kind[arrays.lost], arrays.exit[arrays.lost] - 1]
    by_weight = moves * (arrays.gone - mean * arrays.at_risk) * (weights.unbounded < MOST_WEIGHT)
    return WeightedRetention(value, direct + _through_weights(weights, by_weight))


def _curves(
    members: tuple[np.ndarray, ...], standard: Standard, n_pairs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Number a group's curves from 0: that of each of its terms, and of each pair (−1: of none)."""
    curves, curve = np.unique(standard.curve, return_inverse=True)
    of_pair = np.full(n_pairs, -1)
    for at, name in enumerate(curves):
        of_pair[members[name]] = at
    return curve.ravel(), of_pair


def _survival(
    hazard: np.ndarray, curve: np.ndarray, standard: Standard, horizon: int
) -> tuple[float, np.ndarray]:
    """S(h) of a group, and its derivative by each hazard, (n_curves, n_periods)."""
    log_s = log_survival(hazard[..., None])[..., 0]
    entry = standard.entry
    parts = standard.weight * np.exp(log_s[curve, entry + horizon] - log_s[curve, entry])
    slope = np.zeros_like(hazard)
    period = np.arange(hazard.shape[1])
    for at, start, part in zip(curve, entry, parts, strict=True):
        slope[at] -= part * ((period >= start) & (period < start + horizon))
    # where all at risk were lost nothing is left to move, to first order
    slope = np.divide(slope, 1 - hazard, out=np.zeros_like(slope), where=hazard < 1)
    return float(parts.sum()), slope


def _until(values: np.ndarray, kind: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Sum values of each cell's kind over its periods to the last: (n_cells,)."""
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
    found: np.ndarray = total[kind, last]
    return found


def _through_weights(weights: CensoringWeights, by_weight: np.ndarray) -> np.ndarray:
    """Give what a customer moves retention by as one who is, or is not, censored: through κ and β.

    Parameters
    ----------
    weights : CensoringWeights
        Of all customers.
    by_weight : ndarray of shape (n_kinds, n_periods)
        Derivative of retention by the logarithm of each weight.
    """
    arrays, fit, rate = weights.arrays, weights.fit, weights.rate
    later = np.cumsum(by_weight[:, ::-1], axis=1)[:, ::-1] - by_weight
    later = later * arrays.seen * fit.informative[arrays.pair]
    by_share, by_level = np.zeros((2, *fit.share.shape))
    np.add.at(by_share, arrays.pair, later)
    np.add.at(by_level, arrays.pair, later * rate)
    by_combination = np.bincount(arrays.combination, (later * rate).sum(axis=1), arrays.n_combinations)
    by_beta = fit.design.T @ by_combination - fit.means.reshape(len(fit.beta), -1) @ by_level.ravel()
    effects = fit.covariance @ by_beta
    known = np.divide(by_level, fit.information, out=np.zeros_like(by_level), where=fit.information > 0)
    at_pair = known - np.tensordot(effects, fit.means, axes=1)
    score = at_pair[arrays.pair] + (fit.design @ effects)[arrays.combination][:, None]
    score *= fit.informative[arrays.pair]
    left = np.zeros(fit.share.shape)
    np.add.at(left, arrays.pair, arrays.at_risk - arrays.gone)
    alone = np.divide(by_share, left * (1 - fit.share), out=np.zeros_like(left), where=fit.informative)
    odds = np.divide(rate, -np.expm1(-rate), out=np.zeros_like(rate), where=rate > 0)
    staying = (alone * fit.share)[arrays.pair] - rate * score
    found = _until(staying * arrays.seen, arrays.kind, arrays.exit - arrays.lost)
    ends = ~arrays.lost
    place = arrays.kind[ends], arrays.exit[ends] - 1
    found[ends] += (odds * score - alone[arrays.pair])[place]
    return found
