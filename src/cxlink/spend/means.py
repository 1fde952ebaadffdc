"""Means of spend by level and stratum: the saturated Poisson model, from sums.

The maximum of a Poisson pseudo-likelihood with a parameter for every cell is the cell's mean (Gourieroux, Monfort &
Trognon 1984, doi 10.2307/1913472); its robust variance, with each residual divided by 1 − leverage (HC2, MacKinnon &
White 1985), is s²/n.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.groups.requests import Request


@dataclass(frozen=True, slots=True)
class MeanSpend:
    """Mean spend of reported groups, with draws of the same quantity: what every model of spend gives.

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
    spent_nothing : bool ndarray of shape (n_groups,)
        Groups in which nobody spent anything, though others did.
    own : tuple of int
        Positions of the groups whose own rows are reported.
    contrasts : tuple of (int, int)
        Positions of each contrast's group and reference.
    model : str
        Name in the estimates table.
    n_events : None
        Losses are not counted beside spend.
    posterior : bool
        Whether the estimate of a ratio is the median of its draws; of means it is the ratio of the two, always.
    """

    labels: dict[str, str]
    groups: tuple[str, ...]
    point: np.ndarray
    draws: np.ndarray
    n: np.ndarray
    spent_nothing: np.ndarray
    own: tuple[int, ...]
    contrasts: tuple[tuple[int, int], ...]
    model: str = "means"
    n_events: None = None
    posterior: bool = False

    @property
    def held(self) -> np.ndarray:
        """Groups whose intervals are widened to hold the estimate: where nobody spent."""
        return self.spent_nothing

    @property
    def sparse(self) -> np.ndarray:
        """No group's: a mean can be at 0."""
        return np.zeros(len(self.groups), dtype=bool)


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
    scores: csr_array
    spent_nothing: np.ndarray


def cell_means(spells: Spells, members: Sequence[np.ndarray]) -> CellMeans:
    """Mean and robust variance of each pooled cell.

    Var = Σ(y − ȳ)² / (n (n − 1)), from Σ(y − ȳ)² = Σy² − n ȳ². A cell of one customer takes the variance of customers
    within cells, pooled over all; where every cell is one customer, the square of its mean.

    Parameters
    ----------
    spells : Spells
        The cohort.
    members : sequence of int ndarray
        The pairs that are pooled into each cell.
    """
    cell, spell = _contents(spells, members)
    n, total, squares = (np.bincount(cell, column[spell], len(members)) for column in spells.spend.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        spread = np.maximum(squares - n * mean**2, 0.0)
        # what is left of equal sums of squares is rounding
        spread[spread < 1e-12 * squares] = 0.0
        variance = spread / (n * (n - 1))
    one, several = n == 1, n > 1
    pooled = spread[several].sum() / (n[several] - 1).sum() if several.any() else mean[one] ** 2
    variance[one] = pooled
    used = n[cell] > 1
    cell, spell = cell[used], spell[used]
    residual = spells.spend[spell, 1] - spells.spend[spell, 0] * mean[cell]
    scores = coo_array(
        (residual / np.sqrt(n[cell] * (n[cell] - 1)), (cell, spell)), shape=(len(members), len(spells.n))
    ).tocsr()
    between: np.ndarray = scores.power(2) @ (1 / spells.n)
    nothing = (total == 0) & (squares == 0) & (n > 0) & bool((spells.spend[:, 1] != 0).any())
    return CellMeans(n, mean, variance, np.maximum(variance - between, 0.0), scores, nothing)


def _contents(spells: Spells, members: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The spells with spend in each cell, as two columns: cell and spell."""
    inside = [np.flatnonzero(np.isin(spells.pair, pairs) & (spells.spend[:, 0] > 0)) for pairs in members]
    cell = np.repeat(np.arange(len(inside)), [len(found) for found in inside])
    return cell, np.concatenate([*inside, np.empty(0, int)])


def mean_spend(
    request: Request, cells: CellMeans, influence: np.ndarray, rng: np.random.Generator, positive_mean: float
) -> MeanSpend:
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
        Mean of those who spent, in the cohort: what a group that spent nothing would have spent, times a share drawn
        from Beta(½, n + ½).
    """
    n_draws, n_cells = influence.shape
    noise = rng.standard_normal((n_draws, n_cells)) * np.sqrt(cells.within)
    weights = _weights(request, n_cells)
    used = weights > 0
    drawn = np.nan_to_num(cells.mean + influence + noise) @ weights.T
    point = weights @ np.nan_to_num(cells.mean)
    unknown = used @ (cells.n == 0)
    point[unknown], drawn[:, unknown] = np.nan, np.nan
    customers = (used @ cells.n).astype(int)
    nothing = ~(used @ ~cells.spent_nothing) & (customers > 0)
    for g in np.flatnonzero(nothing):
        drawn[:, g] = positive_mean * rng.beta(0.5, customers[g] + 0.5, n_draws)
    return MeanSpend(
        labels=request.labels,
        groups=tuple(standard.group for standard in request.standards),
        point=point,
        draws=drawn,
        n=customers,
        spent_nothing=nothing,
        own=tuple(i for i in request.own if not unknown[i]),
        contrasts=tuple((a, b) for a, b in request.contrasts if not (unknown[a] or unknown[b])),
    )


def on_log_link(means: MeanSpend) -> MeanSpend:
    """Draw means on the scale of their logarithm, μ̂·exp(δ/μ̂) for μ̂ + δ: amounts that cannot be negative.

    To first order the same draws, with the same joint covariance; but a mean of skewed amounts misses low more often
    than high, and the interval is to reach further up than down (Hall 1992, doi 10.1111/j.2517-6161.1992.tb01876.x).

    Parameters
    ----------
    means : MeanSpend
        Of amounts that are 0 or more. Groups that spent nothing stay as they are.
    """
    at = (means.point > 0) & ~means.spent_nothing
    draws = means.draws.copy()
    draws[:, at] = means.point[at] * np.exp(draws[:, at] / means.point[at] - 1)
    return replace(means, draws=draws)


def _weights(request: Request, n_cells: int) -> np.ndarray:
    weights = np.zeros((len(request.standards), n_cells))
    for g, standard in enumerate(request.standards):
        np.add.at(weights[g], standard.curve, standard.weight)
    return weights
