"""How a change between two cohorts is split: into who the customers are, and how customers alike behave.

A cohort's figure is Σ_s W(s) Σ_l P(l | s) · v(l, s): strata, scores given the stratum, and what a customer of that
level and stratum does. Its change is split into Shapley values (Shorrocks 2013, doi 10.1007/s10888-011-9214-z): each
factor's step averaged over the six orders in which *mix*, *baseline* and *effect* can be exchanged, and within the
step of the mix its two parts averaged over their two orders. They add up to the change exactly, whatever the numbers.

Baseline and effect are separated on a log scale, where a change of every cell by one factor is the baseline's. Such a
split depends on which level is left out of a regression; Yun (2005, doi 10.1093/ei/cbi053) removes that by
averaging over all of them: here over the base cohort's customers.
"""

from typing import NamedTuple

import numpy as np


class Split(NamedTuple):
    """A change and its parts; each of the shape of the draws, or a number.

    ``mix = mix_strata + mix_score`` and ``total = mix + baseline + effect``.
    """

    mix_strata: np.ndarray
    mix_score: np.ndarray
    mix: np.ndarray
    baseline: np.ndarray
    effect: np.ndarray
    total: np.ndarray


PARTS = Split._fields


def shapley(n: tuple[np.ndarray, np.ndarray], values: np.ndarray) -> Split:
    """Split the change of a mean.

    Parameters
    ----------
    n : pair of ndarray of shape (n_levels, n_places, ...)
        Customers of the base and of the new cohort; trailing axes are draws.
    values : ndarray of shape (2, 2, n_levels, n_places, ...)
        What customers do: with the baseline (first axis) and the effect (second) of the base (0) or the new (1) cohort.

    Returns
    -------
    Split
        New less base.

    Examples
    --------
    One level, one stratum, and a baseline that takes half of what customers spend:

    >>> n = (np.array([[100.0]]), np.array([[80.0]]))
    >>> values = np.array([[[[40.0]], [[40.0]]], [[[20.0]], [[20.0]]]])
    >>> split = shapley(n, values)
    >>> print(split.mix, split.baseline, split.effect, split.total)
    0.0 -20.0 0.0 -20.0
    """
    strata, scores = _shares(n)
    inner = np.einsum("jls...,xyls...->jxys...", scores, values)
    mean = np.einsum("is...,jxys...->ijxy...", strata, inner)
    by_strata = (mean[1, 0] - mean[0, 0] + mean[1, 1] - mean[0, 1]) / 2
    by_score = (mean[0, 1] - mean[0, 0] + mean[1, 1] - mean[1, 0]) / 2
    whole = np.stack([mean[0, 0], mean[1, 1]])  # mix, baseline, effect
    mix_strata, mix_score = (_averaged(step) for step in (by_strata, by_score))
    baseline = _averaged(whole[:, 1] - whole[:, 0])
    effect = _averaged(whole[:, :, 1] - whole[:, :, 0])
    total = whole[1, 1, 1] - whole[0, 0, 0]
    return Split(mix_strata, mix_score, mix_strata + mix_score, baseline, effect, total)


def _averaged(step: np.ndarray) -> np.ndarray:
    """A factor's step averaged over the six orders, by whether each of the two others (axes 0, 1) came before it.

    Of the six orders two have it first, two last, and one each has it after one of the others alone.
    """
    average: np.ndarray = (2 * step[0, 0] + step[1, 0] + step[0, 1] + 2 * step[1, 1]) / 6
    return average


def _shares(n: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the places (2, n_places, ...), and of levels given the place (2, n_levels, n_places, ...).

    A place with nobody of one cohort takes the other's levels: then nothing of its change is put down to scores.
    """
    customers = np.stack([cohort.astype(float) for cohort in n])
    places = customers.sum(axis=1)
    strata = places / np.maximum(places.sum(axis=1, keepdims=True), 1e-300)
    scores = customers / np.maximum(places, 1e-300)[:, None]
    empty = (places == 0)[:, None]
    return strata, np.where(empty, scores[::-1], scores)


def states(base: np.ndarray, new: np.ndarray, shifted: np.ndarray, unshifted: np.ndarray) -> np.ndarray:
    """Put together what customers do with the baseline and the effect of either cohort.

    Parameters
    ----------
    base, new : ndarray of shape (n_levels, n_places, ...)
        Of either cohort.
    shifted, unshifted : ndarray of shape (n_levels, n_places, ...)
        The base's with the new baseline, and the new cohort's with the base's: the effect is what is left of each
        cell's change once the baseline's is taken away.

    Returns
    -------
    ndarray of shape (2, 2, n_levels, n_places, ...)
        ``[[base, unshifted], [shifted, new]]``.
    """
    return np.stack([np.stack([base, unshifted]), np.stack([shifted, new])])


def baseline_shift(n: np.ndarray, change: np.ndarray) -> np.ndarray:
    """Change of every cell, averaged over the base cohort's customers.

    Parameters
    ----------
    n : ndarray of shape (n_levels, n_places, ...)
        The base cohort's customers.
    change : ndarray of shape (n_levels, n_places, ...)
        Of log cumulative hazards, of log means, or of means.

    Returns
    -------
    ndarray of shape (...)
        Σ n · change / Σ n.
    """
    shift: np.ndarray = (n * change).sum(axis=(0, 1)) / np.maximum(n.sum(axis=(0, 1)), 1e-300)
    return shift
