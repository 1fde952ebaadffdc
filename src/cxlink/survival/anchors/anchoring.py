"""Anchors as what continued curves are conditioned on: drawn with them, block by block, before they are read off."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from cxlink.cohort.count.spells import Spells, each_pair, risk_sets
from cxlink.survival.anchors.anchored_shares import AnchoredShares, OpenCurves, open_curves
from cxlink.survival.anchors.conditioning import LastingErrors, conditioned, effective, resampled
from cxlink.survival.bootstrap import resample
from cxlink.survival.tails.continued_hazards import ContinuedHazards
from cxlink.survival.tails.curve_plan import resampled_hazards
from cxlink.survival.tails.extrapolation_error import DrawnErrors, ErrorPaths

FEWEST_EFFECTIVE = 100
"""Draws that weights must be worth: below, the ends of a 95 % interval stand on two or three of them."""
_MORE_PATHS = 8
"""Paths tried for each draw of the curves where one is not enough."""
_CORRELATED = {"shared=0": 0.0, "shared=1": 1.0}

Streams = Callable[[], tuple[Iterator[np.ndarray], np.random.Generator]]
"""Gives the resampled customers in blocks, and the random numbers of the fitted hazards: the same each time."""
Errors = tuple[DrawnErrors, Callable[[], DrawnErrors]]
"""Errors without anchors, one for each draw, and what draws others."""


@dataclass(frozen=True, slots=True, eq=False)
class AnchoredDraws:
    """Draws given anchors.

    Attributes
    ----------
    paths : mapping of str to ErrorPaths
        By scenario, for each draw of the curves.
    index : int ndarray of shape (n_draws,)
        Which draws of the curves stay, some of them repeatedly; rising.
    effective : float
        What the weights are worth, in draws.
    """

    paths: Mapping[str, ErrorPaths]
    index: np.ndarray
    effective: float


@dataclass(frozen=True, slots=True, eq=False)
class Anchoring:
    """What curves are conditioned on.

    Attributes
    ----------
    shares : AnchoredShares
        The anchors that are used.
    covariance : ndarray of shape (n_anchors, n_anchors)
        Of their log cumulative hazards, see `cxlink.survival.anchors.cohort_differences`.
    lean : ndarray of shape (2, n_levels)
        Most likely lasting errors of the estimate.
    effective : float
        What the weights of draws were worth, when they were tried.
    """

    shares: AnchoredShares
    covariance: np.ndarray
    lean: np.ndarray
    effective: float = np.nan

    def draws(
        self,
        model: ContinuedHazards,
        streams: Streams,
        errors: Errors,
        rng: np.random.Generator,
        scenarios: Sequence[str],
    ) -> AnchoredDraws:
        """Draw errors given the anchors, and weigh the draws of the curves.

        One path is drawn for each draw of the curves; eight more, and one of them taken by its weight, where the
        weights are then worth under a hundred draws.

        Parameters
        ----------
        model : ContinuedHazards
            What is drawn; its own paths are not used.
        streams, errors
            Where its draws come from.
        rng : Generator
            Advanced.
        scenarios : sequence of str
            Whose paths are wanted, the main analysis (``""``) first: its weights are those of all.
        """
        first, more = errors
        found = self._tried([first], model, streams, rng, scenarios)
        if found.effective < FEWEST_EFFECTIVE:
            tried = [first, *(more() for _ in range(_MORE_PATHS))]
            found = self._tried(tried, model, streams, rng, scenarios)
        return found

    def _tried(
        self,
        tried: Sequence[DrawnErrors],
        model: ContinuedHazards,
        streams: Streams,
        rng: np.random.Generator,
        scenarios: Sequence[str],
    ) -> AnchoredDraws:
        root, n_draws = np.linalg.cholesky(self.covariance), len(tried[0].factor)
        noise = [root @ rng.standard_normal((len(root), n_draws)) for _ in tried]
        picks = rng.random((len(tried), n_draws))
        kept = {name: _own_arrays(tried[0].paths[name], self.lean) for name in scenarios}
        total = {name: np.full(n_draws, -np.inf) for name in scenarios}
        for block in _blocks(self.shares, model, streams):
            for name in scenarios:
                for one, eps, pick in zip(tried, noise, picks, strict=True):
                    made = self._one(block, one, name, eps)
                    _take(kept[name], total[name], one.paths[name], made, (block.at, pick[block.at]))
        weight = total[scenarios[0]]
        return AnchoredDraws(kept, resampled(weight, rng), effective(weight))

    def _one(
        self, block: "_Block", tried: DrawnErrors, name: str, noise: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        lasting = lasting_errors(tried, name, block.at)
        return conditioned(block.curves(tried.paths[name]), lasting, self.covariance, noise[:, block.at])


def _own_arrays(path: ErrorPaths, lean: np.ndarray) -> ErrorPaths:
    """Copy a path, to be filled in."""
    return replace(
        path, at_last=path.at_last.copy(), growing=path.growing.copy(), uneven=path.uneven.copy(), lean=lean
    )


def _take(
    kept: ErrorPaths,
    total: np.ndarray,
    tried: ErrorPaths,
    made: tuple[np.ndarray, np.ndarray],
    place: tuple[slice, np.ndarray],
) -> None:
    """Take a path for those kept so far with the probability that its weight has among theirs; arrays are filled in."""
    at, pick = place
    (level, growth), log_weight = made
    both = np.logaddexp(total[at], log_weight)
    taken = np.log(np.maximum(pick, 1e-300)) <= log_weight - both
    for old, new in (
        (kept.at_last, level), (kept.growing, growth), (kept.uneven, tried.uneven[..., at]),
    ):  # fmt: skip
        old[..., at] = np.where(taken, new, old[..., at])
    total[at] = both


def lasting_errors(drawn: DrawnErrors, name: str, at: slice) -> LastingErrors:
    """Give the lasting errors of a scenario, and what they were drawn from."""
    path, shared = drawn.paths[name], drawn.shared[at]
    return LastingErrors(
        np.stack([path.at_last[:, at], path.growing[:, at]]), drawn.factor[at],
        np.full_like(shared, _CORRELATED[name]) if name in _CORRELATED else shared,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some draws of the curves, without their errors."""

    shares: AnchoredShares
    at: slice
    hazard: np.ndarray
    steps: np.ndarray

    def curves(self, path: ErrorPaths) -> OpenCurves:
        """Open the curves, with what of an error does not last."""
        nothing = np.zeros_like(path.at_last)
        known = replace(path, at_last=nothing, growing=nothing).at(*self.shares.steps, self.at)
        plan = self.shares.plan
        return open_curves(self.shares, path.errors, (self.hazard, self.steps), plan.drawn, known)


def _blocks(shares: AnchoredShares, model: ContinuedHazards, streams: Streams) -> Iterator[_Block]:
    """Draw curves as they are drawn later: the same customers, the same noise."""
    begin, end = shares.steps
    whole, plan = replace(model, begin=begin, end=end), shares.plan
    count, last, start = risk_sets(model.spells, each_pair(model.spells)), plan.hazard, 0
    gradients, (blocks, noise) = whole.gradients(), streams()
    for weights in blocks:
        at = slice(start, start + weights.shape[1])
        hazard, last = resampled_hazards(plan, count(weights), last)
        # many small products of matrices: threads of their own would wait for each other
        with threadpool_limits(1, "blas"):
            steps = whole.drawn(weights, at, gradients, noise).steps
            yield _Block(shares, at, hazard, steps)
        start = at.stop


def repeated_streams(
    asked: tuple[Spells, int, int], bootstrap: np.random.Generator, noise: np.random.Generator
) -> Streams:
    """Repeat random numbers that have not been drawn yet, as often as asked, and leave them as they are.

    Parameters
    ----------
    asked : (Spells, int, int)
        The cohort, draws in all, and draws in a block.
    bootstrap, noise : Generator
        Of the resampled customers, and of the fitted hazards.
    """
    return lambda: (resample(*asked, deepcopy(bootstrap)), deepcopy(noise))


def predicted(
    shares: AnchoredShares, model: ContinuedHazards, streams: Streams, errors: DrawnErrors
) -> np.ndarray:
    """Draw the log cumulative hazards of anchors without them: (n_anchors, n_draws)."""
    values = [
        block.curves(errors.paths[""]).read(lasting_errors(errors, "", block.at).drawn)[0]
        for block in _blocks(shares, model, streams)
    ]
    return np.concatenate(values, axis=1)
