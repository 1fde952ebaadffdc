"""Averages of fitted families, and all of them projected at once.

The menu of an average is fixed: one member a class (`Family.kind`), the spline and the mixture cure with the lowest
AIC standing for theirs. Weights are the cohort's, not a level's.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projected_tenure import project, settled
from cxlink.survival.families.projection_plan import Target
from cxlink.survival.families.time_grid import medians
from cxlink.survival.survival import Drawn, Survival, Tail

LEAST_WEIGHT = 0.001
WORKERS = 2
"""Threads: numpy computes outside of the interpreter's lock."""


def members(fits: Sequence[Fit]) -> list[int]:
    """Positions of the families that stand for their class: of those that converged, the one with the lowest AIC."""
    best: dict[str, int] = {}
    for k, fit in enumerate(fits):
        chosen = best.get(fit.family.kind)
        if fit.converged and (chosen is None or fit.aic < fits[chosen].aic):
            best[fit.family.kind] = k
    return sorted(best.values())


def aic_weights(fits: Sequence[Fit]) -> np.ndarray:
    """Akaike weights exp(−Δ/2) of the members of the average (Buckland et al. 1997, doi 10.2307/2533961).

    Returns
    -------
    ndarray of shape (n_fits,)
        They sum to 1; 0 for families that are no member, all 0 where none converged.
    """
    weights = np.zeros(len(fits))
    chosen = members(fits)
    if chosen:
        aic = np.array([fits[k].aic for k in chosen])
        weights[chosen] = np.exp((aic.min() - aic) / 2)
        weights /= weights.sum()
    return weights


def equal_weights(fits: Sequence[Fit]) -> np.ndarray:
    """The same weight for every member of the average, of shape (n_fits,)."""
    weights = np.zeros(len(fits))
    chosen = members(fits)
    weights[chosen] = 1 / max(len(chosen), 1)
    return weights


def project_all(
    fits: Sequence[Fit],
    target: Target,
    weights: Mapping[str, np.ndarray],
    n_draws: int,
    rng: np.random.Generator,
) -> tuple[Survival, ...]:
    """Project every family, and their averages.

    Parameters
    ----------
    fits : sequence of Fit
        Families to project.
    target : Target
        What is asked.
    weights : mapping of str to ndarray of shape (n_fits,)
        By the average's model name; an average whose weights are all 0 is left out.
    n_draws : int
        Draws of each quantity.
    rng : Generator
        Advanced; each family draws from a child of its own, so that their order does not matter.

    Returns
    -------
    tuple of Survival
        The families in their order and then the averages, scenario by scenario.
    """
    streams = rng.spawn(len(fits))
    # many small products of matrices: threads of their own would wait for each other
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(WORKERS) as pool:
        by_family = list(pool.map(lambda k: project(fits[k], target, n_draws, streams[k]), range(len(fits))))
    if not by_family:
        return ()
    survivals: list[Survival] = []
    for scenario in zip(*by_family, strict=True):
        survivals += scenario
        survivals += [average(scenario, share, name) for name, share in weights.items() if share.any()]
    return tuple(survivals)


def average(models: Sequence[Survival], weights: np.ndarray, model: str) -> Survival:
    """Average models.

    The draws come from each model in proportion to its weight, so that intervals hold the disagreement.

    Parameters
    ----------
    models : sequence of Survival
        Of one target, with as many draws each.
    weights : ndarray of shape (n_models,)
        Shares that sum to 1; models under 0.001 are left out.
    model : str
        What to call it: ``averaged_aic``, ``averaged``.

    Returns
    -------
    Survival
        S, and the areas under it, are the models' weighted means; the median is that of the mean S.
    """
    weighted = np.flatnonzero(np.asarray(weights) >= LEAST_WEIGHT)
    share = np.asarray(weights, dtype=float)[weighted]
    return _averaged([models[int(k)] for k in weighted], share / share.sum(), model)


def _averaged(models: Sequence[Survival], share: np.ndarray, model: str) -> Survival:
    taken = apportioned(share, len(models[0].draws))

    def mean(parts: Sequence[Drawn]) -> Drawn:
        point = np.tensordot(share, [part.point for part in parts], axes=1)
        return Drawn(point, np.concatenate([part.draws[:n] for part, n in zip(parts, taken, strict=True)]))

    retention = mean([Drawn(one.point, one.draws) for one in models])
    tails = [one.tail for one in models if one.tail is not None]
    return replace(
        models[0],
        model=model,
        point=retention.point,
        draws=retention.draws,
        area=settled(mean([one.area for one in models])),
        inside=np.tensordot(share, [one.inside for one in models], axes=1),
        tail=_averaged_tail(tails, share, mean) if tails else None,
        later=tuple(
            _averaged(starts, share, model) for starts in zip(*(one.later for one in models), strict=True)
        ),
    )


def _averaged_tail(
    tails: Sequence[Tail], share: np.ndarray, mean: Callable[[Sequence[Drawn]], Drawn]
) -> Tail:
    curve = np.tensordot(share, [tail.curve for tail in tails], axes=1)
    return replace(
        tails[0],
        median=Drawn(medians(curve, tails[0].grid, whole=False), mean([tail.median for tail in tails]).draws),
        discounted=settled(mean([tail.discounted for tail in tails])),
        curtate=mean([tail.curtate for tail in tails]),
        curve=curve,
        shown=mean([tail.shown for tail in tails]),
    )


def apportioned(share: np.ndarray, n_draws: int) -> np.ndarray:
    """Whole numbers of draws in proportion to shares, by largest remainder; they sum to ``n_draws``.

    Examples
    --------
    >>> apportioned(np.array([0.5, 0.3, 0.2]), 7)
    array([4, 2, 1])
    """
    exact = share * n_draws
    taken = np.floor(exact).astype(int)
    taken[np.argsort(taken - exact, kind="stable")[: n_draws - taken.sum()]] += 1
    return taken
