"""Anchors set beside what a cohort's tails predict, and its tails conditioned on those that do not contradict them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

from cxlink.cohort.count.spells import Spells, each_pair
from cxlink.cohort.spec.anchor_texts import Anchor
from cxlink.groups.requests import Request
from cxlink.survival.anchors.anchored_shares import AnchoredShares, anchored_shares, open_curves
from cxlink.survival.anchors.anchoring import Anchoring, predicted, repeated_streams
from cxlink.survival.anchors.cohort_differences import anchor_covariance, cohort_difference
from cxlink.survival.anchors.conditioning import LastingErrors, conditioned
from cxlink.survival.anchors.judged_anchor import CONTRADICTED, JudgedAnchor
from cxlink.survival.tails.continued_hazards import ContinuedHazards, last_with_ten
from cxlink.survival.tails.curve_plan import lay_out_continued
from cxlink.survival.tails.extrapolation_error import DrawnErrors
from cxlink.survival.tails.tails import Tails

_BLOCK, _LARGEST = 1_000_000, 60.0
_NOISE = ndtri((np.arange(199) + 0.5) / 199)
"""Sampling and differences between cohorts, spread evenly around each draw."""


def anchored(
    tails: Tails,
    spells: Spells,
    levels: Mapping[Anchor, Sequence[int]],
    draws: tuple[int, np.random.Generator],
    *,
    horizon: int,
    difference: float | None = None,
) -> Tails:
    """Condition tails on anchors.

    Parameters
    ----------
    tails : Tails
        What continues the cohort's curves.
    spells : Spells
        The cohort.
    levels : mapping of Anchor to sequence of int
        What is known, and positions of the levels that it is of.
    draws : (int, Generator)
        How many draws are tried, and where they come from.
    horizon : int
        At which levels with few losses or few survivors are identified, in periods.
    difference : float, optional
        τ between two cohorts' log cumulative hazards; by default that of published curves.

    Returns
    -------
    Tails
        With ``judged``, and ``anchoring`` where an anchor is used: a cohort one of whose anchors lies outside the
        central 99.9 % of what is predicted is left out.
    """
    tau, (n_draws, rng) = cohort_difference() if difference is None else difference, draws
    plan = lay_out_continued(spells, Request({}, each_pair(spells), (), (), ()), horizon)
    last = np.maximum(last_with_ten(spells), 1)

    def shares(anchors: Sequence[Anchor]) -> AnchoredShares:
        return anchored_shares(anchors, [levels[one] for one in anchors], spells, plan, last)

    def covariance(anchors: Sequence[Anchor]) -> np.ndarray:
        return anchor_covariance(anchors, [levels[one] for one in anchors], tau)

    bootstrap, noise, paths = rng.spawn(3)
    model = ContinuedHazards(
        spells, tails.fit, np.zeros(1), np.ones(1), {}, tails.others, tails.drawn_structures(n_draws)
    )
    every = shares(tuple(levels))
    widest = len(tails.fit.terms.matrix) * len(every.steps[0])
    streams = repeated_streams(
        (spells, n_draws, int(np.clip(_BLOCK // widest, 10, n_draws))), bootstrap, noise
    )

    def errors() -> DrawnErrors:
        return tails.drawn_errors(spells, n_draws, paths)

    values = predicted(every, model, streams, errors())
    judged = _judged(every.anchors, values, np.sqrt(np.diag(covariance(every.anchors))))
    used = [one.anchor for one in judged if one.used]
    if not used:
        return replace(tails, judged=judged)
    there, apart = shares(used), covariance(used)
    anchoring = Anchoring(there, apart, _lean(there, apart, tails, spells))
    tried = anchoring.draws(model, streams, (errors(), errors), paths, ("",))
    return replace(tails, anchoring=replace(anchoring, effective=tried.effective), judged=judged)


def _judged(anchors: Sequence[Anchor], values: np.ndarray, spread: np.ndarray) -> tuple[JudgedAnchor, ...]:
    """Set anchors beside draws of their log cumulative hazards, (n_anchors, n_draws)."""
    ends = (0.5, (1 + CONTRADICTED) / 2, (1 - CONTRADICTED) / 2)
    found = []
    for anchor, own, sd in zip(anchors, values, spread, strict=True):
        middle, low, high = np.exp(
            -np.exp(np.minimum(np.quantile(own[:, None] + sd * _NOISE, ends), _LARGEST))
        )
        found.append(JudgedAnchor(anchor, float(middle), float(low), float(high), used=False))
    outside = {one.anchor.label for one in found if one.outside}
    return tuple(replace(one, used=one.anchor.label not in outside) for one in found)


def _lean(shares: AnchoredShares, covariance: np.ndarray, tails: Tails, spells: Spells) -> np.ndarray:
    """Mean of the most likely lasting errors of the estimate over what they are multiplied by: (2, n_levels)."""
    begin, end = shares.steps
    own, plan = tails.own, shares.plan
    n, n_levels = len(own.factors), len(shares.last)
    model = ContinuedHazards(spells, tails.fit, begin, end, {}, (), np.zeros(n, int))
    steps = model.hazards(tails.fit, tails.fit.theta[:, None])
    centre = tails.paths(spells, 0, np.random.default_rng(0))[""].centre(begin, end)
    hazards = np.repeat(plan.hazard[..., None], n, axis=2), np.repeat(steps, n, axis=2)
    curves = open_curves(shares, tails.errors, hazards, plan.observed, centre[..., None])
    rho = np.full(n, own.correlations @ own.correlation_weights)
    errors = LastingErrors(np.zeros((2, n_levels, n)), own.factors, rho)
    lasting, log_weight = conditioned(curves, errors, covariance, np.zeros((len(shares.anchors), n)))
    weight = own.factor_weights * np.exp(log_weight - log_weight.max())
    lean: np.ndarray = lasting @ (weight / weight.sum())
    return lean
