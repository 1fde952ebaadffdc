"""Shapley values and other comparisons of sets of scores, as weights on what each set gains.

With v(S) the gain of the model with the scores S over the model without any, the Shapley value of score j is the mean,
over all orders in which scores enter, of what it adds: Σ_S |S|!(p − |S| − 1)!/p! · (v(S ∪ j) − v(S)) (Shapley 1953; of
predictions: Williamson & Feng 2020, arXiv 2006.09481).
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """What is compared of the sets of p scores.

    Attributes
    ----------
    sets : tuple of tuple of int
        Every set, the empty one first and the whole one last.
    names : tuple of (str, int)
        ``whole`` (score −1), and of each score ``alone``, ``beyond`` and ``shapley``.
    weights : ndarray of shape (n_comparisons, n_sets)
        Each comparison is the weighted sum of the sets' scores.
    """

    sets: tuple[tuple[int, ...], ...]
    names: tuple[tuple[str, int], ...]
    weights: np.ndarray


def comparisons(n_scores: int) -> Comparisons:
    """Give the sets of some scores, and the weights of every comparison.

    Examples
    --------
    >>> two = comparisons(2)
    >>> two.sets
    ((), (0,), (1,), (0, 1))
    >>> dict(zip(two.names, two.weights.tolist()))["shapley", 0]
    [-0.5, 0.5, -0.5, 0.5]
    """
    every = range(n_scores)
    sets = tuple(one for size in range(n_scores + 1) for one in combinations(every, size))
    place = {one: i for i, one in enumerate(sets)}
    unit = np.eye(len(sets))
    rows = {("whole", -1): unit[-1] - unit[0]}
    for j in every:
        rows["alone", j] = unit[place[(j,)]] - unit[0]
        rows["beyond", j] = unit[-1] - unit[place[tuple(k for k in every if k != j)]]
        rows["shapley", j] = np.zeros(len(sets))
        for one in sets:
            if j not in one:
                joined = tuple(sorted((*one, j)))
                share = 1 / (n_scores * comb(n_scores - 1, len(one)))
                rows["shapley", j] += share * (unit[place[joined]] - unit[place[one]])
    return Comparisons(sets, tuple(rows), np.array(list(rows.values())))
