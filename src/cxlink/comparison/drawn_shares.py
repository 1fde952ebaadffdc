"""Averages over customers whose numbers are drawn as well.

Both the shares of the cells and what their customers do vary from sample to sample. In draws the product of the two
noises would be counted three times where a sample has it once: shares are drawn with the values of a model, and values
with the shares that there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.comparison.decomposition import baseline_shift, shapley


@dataclass(frozen=True, slots=True)
class View:
    """Customers that a line of a table is about.

    Attributes
    ----------
    name : str
        A level, a band, ``all``, or ``decile 1`` (lowest risk) and so on.
    cells : bool ndarray of shape (n_levels, n_places)
        Theirs.
    group : bool
        Whether it is a group of scores, whose change is split.
    """

    name: str
    cells: np.ndarray
    group: bool


Customers = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class DrawnShares:
    """Customers of the base and of the new cohort, by level and place.

    Attributes
    ----------
    n : pair of ndarray of shape (n_levels, n_places, 1)
        As they are.
    drawn : pair of ndarray of shape (n_levels, n_places, n_draws)
        Draws of them; the same as ``n`` of the data.
    """

    n: Customers
    drawn: Customers

    def baseline_shift(self, change: np.ndarray, model: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Average change over the base's customers of these levels; ``model`` is that of the model."""
        n, drawn = self.n[0][levels], self.drawn[0][levels]
        shift: np.ndarray = baseline_shift(n, (change - model)[levels]) + baseline_shift(drawn, model[levels])
        return shift

    def deviation_of_shift(self, squares: Sequence[np.ndarray], levels: np.ndarray) -> float:
        """Give the noise that the squares of expansions have in the baseline's shift: a standard deviation.

        Parameters
        ----------
        squares : sequence of ndarray of shape (n_levels, n_places)
            Of either cohort: second derivatives of the logarithm times the noise of the squares.
        levels : bool ndarray of shape (n_levels,)
            That the shift stands on.
        """
        n = self.n[0][levels, :, 0]
        variance = sum(((n * square[levels] / 2) ** 2).sum() for square in squares)
        return float(np.sqrt(variance) / max(n.sum(), 1))

    def split_groups(self, values: np.ndarray, model: np.ndarray, groups: Sequence[np.ndarray]) -> np.ndarray:
        """Split the change of each group (levels): (n_groups, n_parts, n_draws)."""
        return np.stack([
            _split(self.n, values - model, levels) + _split(self.drawn, model, levels) for levels in groups
        ])  # fmt: skip


def averages(n: np.ndarray, values: np.ndarray, views: Sequence[View]) -> np.ndarray:
    """Mean of each view over its customers: (n_views, n_draws)."""
    return np.stack([(n[v.cells] * values[v.cells]).sum(axis=0) / n[v.cells].sum(axis=0) for v in views])


def _split(n: Customers, values: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return np.stack(list(shapley((n[0][levels], n[1][levels]), values[:, :, levels])))
