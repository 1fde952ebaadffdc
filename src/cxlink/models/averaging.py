"""Averages of fitted families, and all of them projected at once."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cxlink.models.fitted import Fit, Unfitted, aic_weights
from cxlink.models.horizon import medians
from cxlink.models.projection import Target
from cxlink.models.tenure import Drawn, Tenure, project, settled

_LEAST_WEIGHT = 0.001
_QUANTITIES = ("retention", "restricted", "mean", "median", "plot")


def project_all(
    fits: Sequence[Fit | Unfitted], target: Target, n_draws: int, rng: np.random.Generator
) -> tuple[Tenure, ...]:
    """Project every family that was fitted, and their average.

    Returns
    -------
    tuple of Tenure
        The families in their order, then ``averaged_aic`` and ``averaged`` (both with Akaike weights); the averages
        where at least one family converged. Empty where none was fitted.
    """
    fitted = [fit for fit in fits if isinstance(fit, Fit)]
    tenures = tuple(
        project(fit, target, n_draws, own) for fit, own in zip(fitted, rng.spawn(len(fitted)), strict=True)
    )
    weights = aic_weights(fitted)
    if not weights.any():
        return tenures
    averaged = average(tenures, weights, "averaged_aic")
    return (*tenures, averaged, replace(averaged, model="averaged"))


def average(tenures: Sequence[Tenure], weights: np.ndarray, model: str) -> Tenure:
    """Average models.

    The draws come from each model in proportion to its weight, so that intervals hold the disagreement.

    Parameters
    ----------
    tenures : sequence of Tenure
        Of one target, with as many draws each.
    weights : ndarray of shape (n_models,)
        Shares that sum to 1; models under 0.001 are left out.
    model : str
        What to call it: ``averaged_aic``, ``averaged``.

    Returns
    -------
    Tenure
        S, and the areas under it, are the models' weighted means; the median is that of the mean S.
    """
    kept = np.flatnonzero(np.asarray(weights) >= _LEAST_WEIGHT)
    share = np.asarray(weights, dtype=float)[kept]
    share /= share.sum()
    members = [tenures[int(k)] for k in kept]
    taken = _apportioned(share, len(members[0].mean.draws))
    drawn = {key: _mixed([getattr(m, key) for m in members], share, taken) for key in _QUANTITIES}
    curve = np.tensordot(share, [m.curve for m in members], axes=1)
    drawn["median"] = Drawn(medians(curve, members[0].grid, whole=False), drawn["median"].draws)
    drawn["mean"] = settled(drawn["mean"])
    averaged: Tenure = replace(
        members[0],
        model=model,
        curve=curve,
        known=np.tensordot(share, [m.known for m in members], axes=1),
        total=np.column_stack([drawn["restricted"].point, drawn["mean"].point]),
        retention=drawn["retention"],
        restricted=drawn["restricted"],
        mean=drawn["mean"],
        median=drawn["median"],
        plot=drawn["plot"],
    )
    return averaged


def _apportioned(share: np.ndarray, n_draws: int) -> np.ndarray:
    """Whole numbers of draws in proportion to shares, by largest remainder; they sum to ``n_draws``."""
    exact = share * n_draws
    taken = np.floor(exact).astype(int)
    taken[np.argsort(taken - exact, kind="stable")[: n_draws - taken.sum()]] += 1
    return taken


def _mixed(parts: Sequence[Drawn], share: np.ndarray, taken: np.ndarray) -> Drawn:
    point = np.tensordot(share, [part.point for part in parts], axes=1)
    draws = np.concatenate([part.draws[:n] for part, n in zip(parts, taken, strict=True)])
    return Drawn(point, draws)
