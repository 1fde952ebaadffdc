"""The shares that anchors speak of, of this cohort's continued curves: their values and their derivatives.

Of group g, S_g(t) = Σ_k w_k·S_k(e_k + t)/S_k(e_k) over its customers' levels, strata and entries, and
y = log(log S_g(start) − log S_g(period)), the log cumulative hazard between the two. Beyond T the hazards of a level
are multiplied by e^δ(t), δ(t) = σ₀·a₀ + κ·log(t/T)·a₁ + what is known; y is differentiated by a₀ and a₁ of each level.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.anchor_texts import Anchor
from cxlink.groups.discrete_hazard import EXTINCT
from cxlink.survival.tails.curve_plan import ContinuedPlan
from cxlink.survival.tails.extrapolation_error import Errors, since_last

_LEAST, _NOBODY, _MOST = 1e-9, 1e-300, 60.0


@dataclass(frozen=True, slots=True, eq=False)
class AnchoredShares:
    """Anchors, laid out over the curves of a cohort.

    Attributes
    ----------
    anchors : tuple of Anchor
        What is known.
    plan : ContinuedPlan
        Curves of all pairs of level and stratum.
    last : ndarray of shape (n_levels,)
        T of each level.
    level : int ndarray of shape (n_pairs,)
        Of each pair.
    pair : int ndarray of shape (n_terms,)
        Whose curve: a term is of the customers of a pair who enter at one time.
    weight : ndarray of shape (n_anchors, n_terms)
        Their share of those that an anchor is of.
    nodes : int ndarray of shape (n_nodes,)
        Times since the time origin at which curves are read, rising.
    enter : int ndarray of shape (n_terms,)
        Position in ``nodes`` of the entry.
    between : int ndarray of shape (n_anchors, 2, n_terms)
        And of the start and the period of each anchor after it.
    """

    anchors: tuple[Anchor, ...]
    plan: ContinuedPlan
    last: np.ndarray
    level: np.ndarray
    pair: np.ndarray
    weight: np.ndarray
    nodes: np.ndarray
    enter: np.ndarray
    between: np.ndarray

    @property
    def value(self) -> np.ndarray:
        """Log cumulative hazard that each anchor tells, of shape (n_anchors,)."""
        told: np.ndarray = np.log(-np.log([one.share for one in self.anchors]))
        return told

    @property
    def steps(self) -> tuple[np.ndarray, np.ndarray]:
        """Begins and ends of the whole periods that are needed."""
        end = np.arange(1.0, max(int(self.nodes[-1]), self.plan.at_risk.shape[1]) + 1)
        return end - 1, end

    @property
    def of_level(self) -> csr_array:
        """Which terms are of each level: (n_levels, n_terms)."""
        n = len(self.pair)
        place = (self.level[self.pair], np.arange(n))
        return csr_array(coo_array((np.ones(n), place), shape=(len(self.last), n)))


def anchored_shares(
    anchors: Sequence[Anchor],
    levels: Sequence[Sequence[int]],
    spells: Spells,
    plan: ContinuedPlan,
    last: np.ndarray,
) -> AnchoredShares:
    """Lay anchors out.

    Parameters
    ----------
    anchors : sequence of Anchor
        What is known.
    levels : sequence of sequence of int
        Positions of the levels that each is of; some of them have customers.
    spells : Spells
        This cohort, whose mix of levels, strata and entries the shares have.
    plan : ContinuedPlan
        Curves of its pairs.
    last : ndarray of shape (n_levels,)
        T of each level.
    """
    keys, at = np.unique(np.column_stack([spells.pair, spells.entry]), axis=0, return_inverse=True)
    pair, entry = keys.T
    n = np.bincount(at.ravel(), spells.n).astype(float)
    weight = np.array([np.where(np.isin(spells.level[pair], own), n, 0.0) for own in levels])
    times = np.array([[entry + one.start, entry + one.period] for one in anchors])
    nodes = np.unique(np.concatenate([entry, times.ravel()]))
    return AnchoredShares(
        tuple(anchors), plan, last, spells.level, pair, weight / weight.sum(axis=1, keepdims=True), nodes,
        np.searchsorted(nodes, entry), np.searchsorted(nodes, times),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class OpenCurves:
    """Draws of curves, of which the lasting errors a₀ and a₁ of the levels are still open.

    Attributes
    ----------
    shares : AnchoredShares
        What is read off them.
    errors : Errors
        Constants of the extrapolation error.
    fixed : ndarray of shape (n_pairs, n_nodes, n_draws)
        log S of the periods without an error.
    hazard : ndarray of shape (n_pairs, n_later, n_draws)
        Hazards of the periods with one, at a₀ = a₁ = 0.
    since : ndarray of shape (n_pairs, n_later)
        log(t/T) in these periods.
    passed : ndarray of shape (n_nodes, n_later)
        1 where a period ends by a node.
    """

    shares: AnchoredShares
    errors: Errors
    fixed: np.ndarray
    hazard: np.ndarray
    since: np.ndarray
    passed: np.ndarray

    def read(self, lasting: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Read the log cumulative hazards off, and differentiate them.

        Parameters
        ----------
        lasting : ndarray of shape (2, n_levels, n_draws)
            a₀ and a₁.

        Returns
        -------
        value : ndarray of shape (n_anchors, n_draws)
            y.
        slope : ndarray of shape (n_anchors, 2, n_levels, n_draws)
            Its derivatives.
        """
        level, growth = (one[self.shares.level][:, None] for one in lasting)
        error = self.errors.level * level + self.errors.growth * self.since[..., None] * growth
        rate = self.hazard * np.exp(np.clip(error, -_MOST, _MOST, out=error), out=error)
        log_s = self.fixed - self._by_node(rate)
        moved = (
            self.errors.level * self._by_node(rate),
            self.errors.growth * self._by_node(rate * self.since[..., None]),
        )
        found = [self._between(i, log_s, moved) for i in range(len(self.shares.anchors))]
        value, slope = zip(*found, strict=True)
        return np.array(value), np.array(slope)

    def _by_node(self, rate: np.ndarray) -> np.ndarray:
        """Sums of the periods to each node: (n_pairs, n_nodes, n_draws)."""
        total: np.ndarray = np.matmul(self.passed, rate)
        return total

    def _between(
        self, i: int, log_s: np.ndarray, moved: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """One anchor's y, (n_draws,), and its derivatives, (2, n_levels, n_draws)."""
        shares = self.shares
        used = np.flatnonzero(shares.weight[i] > 0)
        pair, enter, place = shares.pair[used], shares.enter[used], shares.of_level[:, used]
        logs, slopes = [], []
        for to in shares.between[i][:, used]:
            there = shares.weight[i, used, None] * np.exp(log_s[pair, to] - log_s[pair, enter])
            total = np.maximum(there.sum(axis=0), _NOBODY)
            logs.append(np.log(total))
            slopes.append(
                np.array([-(place @ (there * (one[pair, to] - one[pair, enter]))) / total for one in moved])
            )
        hazard = np.maximum(logs[0] - logs[1], _LEAST)
        return np.log(hazard), (slopes[0] - slopes[1]) / hazard


def open_curves(
    shares: AnchoredShares,
    errors: Errors,
    hazards: tuple[np.ndarray, np.ndarray],
    observed: np.ndarray,
    known: np.ndarray,
) -> OpenCurves:
    """Sum curves up as far as their lasting errors leave them.

    Parameters
    ----------
    shares : AnchoredShares
        What is read off them.
    errors : Errors
        Constants of the extrapolation error.
    hazards : (ndarray, ndarray)
        Kaplan–Meier hazards of the pairs, (n_pairs, n_periods, n_draws), and cumulative hazards of the whole periods
        `AnchoredShares.steps` of all combinations of level and stratum without an error, (n_cells, n_steps, n_draws).
    observed : bool ndarray of shape (n_pairs, n_periods)
        Which periods are read off the former.
    known : ndarray of shape (n_levels, n_steps, n_draws)
        δ without its lasting part.
    """
    begin, end = shares.steps
    own, fitted = hazards
    step = -fitted[shares.plan.member.indices]
    with np.errstate(divide="ignore"):
        np.copyto(step[:, : own.shape[1]], np.maximum(np.log1p(-own), EXTINCT), where=observed[..., None])
    since = since_last(begin, end, shares.last)[shares.level]
    free = since > 0
    free[:, : own.shape[1]] &= ~observed
    later = np.flatnonzero(free.any(axis=0))
    hazard = np.where(free[:, later, None], -step[:, later], 0.0)
    hazard *= np.exp(known[shares.level][:, later])
    step[free] = 0.0
    total = np.concatenate([np.zeros_like(step[:, :1]), np.cumsum(step, axis=1)], axis=1)
    passed = (end[later] <= shares.nodes[:, None]).astype(float)
    return OpenCurves(shares, errors, total[:, shares.nodes], hazard, since[:, later], passed)
