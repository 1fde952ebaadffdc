"""How the hazard of censoring differs by other scores: grouped proportional hazards with a baseline for every pair.

With m customers of a level, a stratum and a combination x of other scores left after the losses of a period, each is
censored with probability κ, log(−log(1 − κ)) = α + x'β: α is free for every level, stratum and period, β common to
all. A level of another score that is never censored, or always, has a weak penalty.
"""

from dataclasses import dataclass

import numpy as np

from cxlink.estimation.penalties import Penalty, stacked
from cxlink.sensitivity.censoring_weights.follow_up_arrays import FollowUpArrays
from cxlink.survival.proportional_hazards.cloglog import (
    Grouped,
    Solution,
    clipped,
    derivatives,
    information_of,
    mean_covariates,
    solve,
)
from cxlink.survival.proportional_hazards.hazard_design import separated

_NOTHING = 1e-8
"""Share of a column's information: where less is left beside the baselines and the columns before, it is rounding."""

_LOOSE, _FAR, _SINGULAR = 20.0, 10.0, 1e-12
"""Variance and size of a log hazard ratio from which the counts hardly bound it; and what counts as no information."""


@dataclass(frozen=True, slots=True, eq=False)
class CensoringFit:
    """A fitted hazard of censoring.

    Attributes
    ----------
    terms : tuple of (int, int)
        Score and level (positions) of each effect.
    reference : tuple of int
        Level of each score that has no effect: the one of which most is known, censored or not, whichever is fewer.
    design : ndarray of shape (n_combinations, n_effects)
        x.
    beta, covariance : ndarray of shape (n_effects,), (n_effects, n_effects)
        Log hazard ratios.
    informative : bool ndarray of shape (n_pairs, n_periods)
        Where some of those left are censored and others are not; elsewhere no weight moves.
    share : ndarray of shape (n_pairs, n_periods)
        Of those left, who is censored: the hazard given level and stratum alone.
    baseline : ndarray of shape (n_pairs, n_periods)
        e^α; 0 where not informative.
    information : ndarray of shape (n_pairs, n_periods)
        Of α, observed.
    means : ndarray of shape (n_effects, n_pairs, n_periods)
        x averaged over that information.
    """

    terms: tuple[tuple[int, int], ...]
    reference: tuple[int, ...]
    design: np.ndarray
    beta: np.ndarray
    covariance: np.ndarray
    informative: np.ndarray
    share: np.ndarray
    baseline: np.ndarray
    information: np.ndarray
    means: np.ndarray

    @property
    def ratios(self) -> np.ndarray:
        """e^{x'β} of each combination."""
        ratios: np.ndarray = np.exp(self.design @ self.beta)
        return ratios


def fit_censoring(arrays: FollowUpArrays) -> CensoringFit:
    """Fit by maximum likelihood; with the last period everybody's follow-up ends, so that it says nothing."""
    left, shape = arrays.at_risk - arrays.gone, (arrays.n_pairs, arrays.at_risk.shape[1])
    by_pair = [_added(arrays.pair, values, shape) for values in (left, arrays.censored)]
    share = np.divide(by_pair[1], by_pair[0], out=np.zeros(shape), where=by_pair[0] > 0)
    informative = (by_pair[1] > 0) & (by_pair[1] < by_pair[0])
    column = np.where(informative, np.cumsum(informative).reshape(shape) - 1, -1)
    at_risk, censored = (_by_combination(arrays, values, column) for values in (left, arrays.censored))
    reference, every, columns = _design(arrays, at_risk.sum(axis=1), censored.sum(axis=1))
    kept = _estimable(at_risk, censored, columns)
    terms, design = tuple(every[j] for j in kept), columns[:, kept]
    grouped = Grouped(at_risk, censored, design, np.zeros((0, *at_risk.shape)))
    solution, curvature, covariance = _solved(grouped, terms)

    def laid_out(values: np.ndarray) -> np.ndarray:
        full = np.zeros((*values.shape[:-1], *shape))
        full[..., informative] = values
        return full

    return CensoringFit(
        terms=terms, reference=reference, design=design, beta=solution.beta, covariance=covariance,
        informative=informative, share=share, baseline=laid_out(np.exp(solution.alpha)),
        information=laid_out(curvature.sum(axis=0)), means=laid_out(mean_covariates(grouped, curvature)),
    )  # fmt: skip


def _added(pair: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    total = np.zeros(shape)
    np.add.at(total, pair, values)
    return total


def _by_combination(arrays: FollowUpArrays, values: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Sum over kinds: (n_combinations, n_informative)."""
    at = column[arrays.pair]
    inside, n_columns = at >= 0, int(column.max(initial=-1)) + 1
    place = (arrays.combination[:, None] * n_columns + at)[inside]
    total = np.bincount(place, values[inside], arrays.n_combinations * n_columns)
    return total.reshape(arrays.n_combinations, n_columns)


def _design(
    arrays: FollowUpArrays, at_risk: np.ndarray, censored: np.ndarray
) -> tuple[tuple[int, ...], list[tuple[int, int]], np.ndarray]:
    """Reference level of each score, the terms of the others, and a column for each."""
    reference, terms, columns = [], [], []
    for j, score in enumerate(arrays.scores):
        over, whole = (np.bincount(score.code, n, len(score.levels)) for n in (censored, at_risk))
        known = int(np.minimum(over, whole - over).argmax())
        reference.append(known)
        for level in range(len(score.levels)):
            if level != known:
                terms.append((j, level))
                columns.append((score.code == level).astype(float))
    design = np.array(columns).reshape(len(columns), arrays.n_combinations).T
    return tuple(reference), terms, design


def _estimable(at_risk: np.ndarray, censored: np.ndarray, design: np.ndarray) -> list[int]:
    """Columns that differ within levels, strata and periods, and follow from no columns before them."""
    if not at_risk.shape[1]:
        return []
    share = censored.sum(axis=0) / at_risk.sum(axis=0)
    grouped = Grouped(at_risk, censored, design, np.zeros((0, *at_risk.shape)))
    weight = at_risk * share * (1 - share)
    within, whole, kept = information_of(grouped, weight), np.diag(grouped.crossed(weight)), list[int]()
    for j in range(design.shape[1]):
        beside = np.linalg.solve(within[np.ix_(kept, kept)], within[kept, j])
        if within[j, j] - within[j, kept] @ beside > _NOTHING * whole[j]:
            kept.append(j)
    return kept


def _solved(grouped: Grouped, terms: tuple[tuple[int, int], ...]) -> tuple[Solution, np.ndarray, np.ndarray]:
    """The maximum, the observed information of each cell and period, and the covariance of the effects.

    Levels whose customers are never censored, or always, are held by the weak penalty, and so is what turns out to be
    hardly bounded by the counts.
    """
    at_risk, censored = grouped.at_risk.sum(axis=1), grouped.lost.sum(axis=1)
    held = set(separated(grouped.design, at_risk, censored))
    while True:
        penalties = tuple(_penalty(grouped, at_risk, terms, j) for j in sorted(held))
        solution = solve(grouped, penalties)
        _, curvature = derivatives(grouped, clipped(solution.alpha + grouped.shift(solution.beta)))
        bent = stacked(penalties, grouped.n_effects).information(solution.beta)
        covariance = np.linalg.pinv(
            information_of(grouped, curvature) + bent, rcond=_SINGULAR, hermitian=True
        )
        more = (
            set(np.flatnonzero((np.diag(covariance) > _LOOSE) | (np.abs(solution.beta) > _FAR)).tolist())
            - held
        )
        if not more:
            return solution, curvature, covariance
        held |= more


def _penalty(
    grouped: Grouped, at_risk: np.ndarray, terms: tuple[tuple[int, int], ...], index: int
) -> Penalty:
    """The weak penalty on the log hazard ratio of a level against all customers, whatever else they gave."""
    own = np.array([score == terms[index][0] for score, _ in terms], dtype=bool)
    direction = np.zeros(grouped.n_effects)
    direction[index] = 1.0
    direction[own] -= (at_risk @ grouped.design[:, own]) / at_risk.sum()
    return Penalty(index, direction)
