"""Means of spend by level and stratum: the saturated Poisson model, from sums.

The maximum of a Poisson pseudo-likelihood with a parameter for every cell is the cell's mean (Gourieroux, Monfort &
Trognon 1984, doi 10.2307/1913472); its robust variance, with each residual divided by 1 − leverage (HC2, MacKinnon &
White 1985), is s²/n.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from cxlink.cohort.spells import Spells
from cxlink.models.standards import Request


@dataclass(frozen=True, slots=True)
class Means:
    """Mean spend of reported groups, with draws of the same quantity.

    Attributes
    ----------
    labels : dict of str to str
        ``adjusted``, ``stratum``, ``scenario``.
    groups : tuple of str
        Reported groups.
    point : ndarray of shape (n_groups,)
        E[spend] over the window, zeros in; in the spec's currency.
    draws : ndarray of shape (n_draws, n_groups)
        Draws of the same.
    n : int ndarray of shape (n_groups,)
        Customers with a complete window.
    own : tuple of int
        Positions of the groups whose own rows are reported.
    contrasts : tuple of (int, int)
        Positions of each contrast's group and reference.
    """

    labels: dict[str, str]
    groups: tuple[str, ...]
    point: np.ndarray
    draws: np.ndarray
    n: np.ndarray
    own: tuple[int, ...]
    contrasts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CellMeans:
    """Means of pooled cells, and what their draws are made of.

    Attributes
    ----------
    n, mean, variance : ndarray of shape (n_cells,)
        Customers with a complete window, their mean, and its robust (HC2) variance; NaN without customers.
    within : ndarray of shape (n_cells,)
        The part of the variance that comes from customers of one spell; the rest follows the bootstrap of spells.
    scores : sparse matrix of shape (n_cells, n_spells)
        Influence on the mean, summed over a spell's customers: (Σy − n·mean) / n_cell, on the scale of HC2.
    spent_nothing : bool ndarray of shape (n_cells,)
        Cells in which nobody spent anything, though others did.
    """

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    within: np.ndarray
    scores: sparse.csr_array
    spent_nothing: np.ndarray


def cell_means(spells: Spells, members: Sequence[np.ndarray]) -> CellMeans:
    """Mean and robust variance of each pooled cell.

    Var = Σ(y − ȳ)² / (n (n − 1)), from Σ(y − ȳ)² = Σy² − n ȳ². A cell of one customer takes the variance of customers
    within cells, pooled over all.

    Parameters
    ----------
    spells : Spells
        The cohort.
    members : sequence of int ndarray
        The pairs that are pooled into each cell.
    """
    member = np.zeros((len(members), spells.n_pairs), dtype=bool)
    for cell, pairs in enumerate(members):
        member[cell, pairs] = True
    member_spells = sparse.csr_array(member[:, spells.pair].astype(float))
    n, total, squares = (member_spells @ spells.spend).T
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        spread = np.maximum(squares - n * mean**2, 0.0)
        spread[spread < 1e-12 * squares] = 0.0
        variance = spread / (n * (n - 1))
    single = n == 1
    pooled = spread[n > 1].sum() / max((n[n > 1] - 1).sum(), 1.0) if (n > 1).any() else np.nan
    variance[single] = pooled
    scores = _scores(spells, member_spells, n, mean)
    between = np.asarray((scores.power(2) @ (1 / spells.n)).ravel())
    nothing = (total == 0) & (squares == 0) & (n > 0) & bool((spells.spend[:, 1] != 0).any())
    return CellMeans(n, mean, variance, np.maximum(variance - between, 0.0), scores, nothing)


def _scores(spells: Spells, member_spells: sparse.csr_array, n: np.ndarray, mean: np.ndarray) -> sparse.csr_array:
    """Influence of each spell on each cell's mean; its square over n adds up to the variance between spells."""
    matrix = member_spells.tocoo()
    cell, spell = matrix.coords
    used = n[cell] > 1
    cell, spell = cell[used], spell[used]
    residual = spells.spend[spell, 1] - spells.spend[spell, 0] * mean[cell]
    value = residual / np.sqrt(n[cell] * (n[cell] - 1))
    return sparse.coo_array((value, (cell, spell)), shape=matrix.shape).tocsr()


def mean_spend(
    request: Request, cells: CellMeans, influence: np.ndarray, rng: np.random.Generator, positive_mean: float
) -> Means:
    """Average cells over a request's standards.

    Draws are the mean, plus the bootstrap's influence of spells, plus normal noise of the variance within spells: in
    all the robust variance, and with retention drawn from the same bootstrap their joint covariance Σ IF·(Σy − nμ).

    Parameters
    ----------
    request : Request
        The groups; its members are the cells.
    cells : CellMeans
        Their means.
    influence : ndarray of shape (n_draws, n_cells)
        What the bootstrap of spells gave for ``cells.scores``.
    rng : Generator
        Advanced.
    positive_mean : float
        Mean of those who spent, in the cohort: what a cell that spent nothing would have spent, times a share drawn
        from Beta(½, n + ½).
    """
    n_draws, n_cells = influence.shape
    noise = rng.standard_normal((n_draws, n_cells)) * np.sqrt(cells.within)
    weights = _weights(request, n_cells)
    point, drawn = weights @ np.nan_to_num(cells.mean), np.nan_to_num(cells.mean + influence + noise) @ weights.T
    drawn[:, (weights > 0) @ np.isnan(cells.variance)] = np.nan
    for g, standard in enumerate(request.standards):
        used = np.unique(standard.curve)
        if cells.spent_nothing[used].all():
            n = cells.n[used].sum()
            drawn[:, g] = positive_mean * rng.beta(0.5, n + 0.5, n_draws)
    customers = [int(cells.n[np.unique(standard.curve)].sum()) for standard in request.standards]
    return Means(
        labels=request.labels,
        groups=tuple(standard.group for standard in request.standards),
        point=point,
        draws=drawn,
        n=np.array(customers),
        own=tuple(i for i in request.own if customers[i]),
        contrasts=tuple((a, b) for a, b in request.contrasts if customers[a] and customers[b]),
    )


def _weights(request: Request, n_cells: int) -> np.ndarray:
    weights = np.zeros((len(request.standards), n_cells))
    for g, standard in enumerate(request.standards):
        np.add.at(weights[g], standard.curve, standard.weight)
    return weights


def has_spend(spells: Spells) -> np.ndarray:
    """Whether each pair has a complete window.

    Returns
    -------
    bool ndarray of shape (n_pairs, n_periods + 1)
        The same for every entry.
    """
    n = np.bincount(spells.pair, spells.spend[:, 0], spells.n_pairs)
    return np.repeat((n > 0)[:, None], spells.n_periods + 1, axis=1)
