"""Means of spend by level and stratum: the saturated Poisson model, from sums.

The maximum of a Poisson pseudo-likelihood with a parameter for every cell is the cell's mean (Gourieroux, Monfort &
Trognon 1984, doi 10.2307/1913472); its robust variance, with each residual divided by 1 − leverage (HC2, MacKinnon &
White 1985), is s²/n.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.sparse import coo_array, csr_array

from cxlink.cohort.count.spell_buckets import SpellBuckets
from cxlink.cohort.count.spells import Spells
from cxlink.groups.requests import Request
from cxlink.spend.concentration import concentration, rests_on_one

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class MeanSpend:
    """Mean spend of reported groups, with draws of the same quantity; every model of spend returns one.

    Attributes
    ----------
    labels : dict of str to str
        ``adjusted``, ``stratum``, ``scenario``.
    groups : tuple of str
        Reported groups.
    point : ndarray of shape (n_groups,)
        E[spend] over the window, zeros included, in the spec's currency.
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
        Spend has no number of events.
    posterior : bool
        Whether a ratio is estimated by the median of its draws; always False: the ratio of the two means.
    concentration : ndarray of shape (n_groups,)
        Of the means by cell, see `cxlink.spend.concentration`; none of other models.
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
    concentration: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def widened(self) -> np.ndarray:
        """Groups without spenders: their intervals are widened to contain the estimate."""
        return self.spent_nothing

    @property
    def unvaried(self) -> np.ndarray:
        """Groups that the data give no error: all their customers spent the same."""
        return np.asarray(np.ptp(self.draws, axis=0) <= _ROUNDING * np.abs(self.point))

    @property
    def sparse(self) -> np.ndarray:
        """None: a mean of 0 is an ordinary estimate."""
        return np.zeros(len(self.groups), dtype=bool)


@dataclass(frozen=True, slots=True)
class CellMeans:
    """Means of pooled cells, with the components of their draws.

    Attributes
    ----------
    n, mean, variance : ndarray of shape (n_cells,)
        Customers with a complete window, their mean, and its robust (HC2) variance; NaN without customers.
    within : ndarray of shape (n_cells,)
        Variance component between customers of one spell; the bootstrap of spells draws the rest.
    scores : sparse matrix of shape (n_cells, n_spells) or (n_cells, n_places)
        Influence on the mean, summed over a spell's customers: (Σy − n·mean) / n_cell, on the scale of HC2. Of
        clustered customers summed over each place of `SpellBuckets`, whose weights have that scale.
    spent_nothing : bool ndarray of shape (n_cells,)
        Cells in which nobody spent anything, though others did.
    squares : ndarray of shape (n_cells,)
        Σy².
    """

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    within: np.ndarray
    scores: csr_array
    spent_nothing: np.ndarray
    squares: np.ndarray


def cell_means(spells: Spells, members: Sequence[np.ndarray]) -> CellMeans:
    """Mean and robust variance of each pooled cell.

    Var = Σ(y − ȳ)² / (n (n − 1)), from Σ(y − ȳ)² = Σy² − n ȳ². A cell of one customer takes the variance of customers
    within cells, pooled over all; where every cell is one customer, the square of its mean.

    Parameters
    ----------
    spells : Spells
        The cohort.
    members : sequence of int ndarray
        Level-stratum pairs pooled into each cell.
    """
    cell, spell = _contents(spells, members)
    n, total, squares = (np.bincount(cell, column[spell], len(members)) for column in spells.spend.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / n
        deviations = np.maximum(squares - n * mean**2, 0.0)
        # rounding error of equal sums of squares
        deviations[deviations < 1e-12 * squares] = 0.0
        variance = deviations / (n * (n - 1))
    single, multiple = n == 1, n > 1
    pooled = deviations[multiple].sum() / (n[multiple] - 1).sum() if multiple.any() else mean[single] ** 2
    variance[single] = pooled
    spent_nothing = (total == 0) & (squares == 0) & (n > 0) & bool((spells.spend[:, 1] != 0).any())
    if spells.buckets is not None:
        scores = _of_places(spells.buckets, (cell, spell), n, mean)
        return CellMeans(n, mean, variance, np.zeros_like(mean), scores, spent_nothing, squares)
    multiples = n[cell] > 1
    cell, spell = cell[multiples], spell[multiples]
    residual = spells.spend[spell, 1] - spells.spend[spell, 0] * mean[cell]
    scores = coo_array(
        (residual / np.sqrt(n[cell] * (n[cell] - 1)), (cell, spell)), shape=(len(members), len(spells.n))
    ).tocsr()
    between: np.ndarray = scores.power(2) @ (1 / spells.n)
    within = np.maximum(variance - between, 0.0)
    return CellMeans(n, mean, variance, within, scores, spent_nothing, squares)


def _of_places(
    buckets: SpellBuckets, contents: tuple[np.ndarray, np.ndarray], n: np.ndarray, mean: np.ndarray
) -> csr_array:
    """Influence on the mean of each cell, (Σy − n·mean) / n_cell, summed over the customers of each place."""
    shape = (len(n), buckets.number.shape[0])
    collect = csr_array(coo_array((np.ones(len(contents[0])), contents), shape=shape))
    number, total = collect @ buckets.number, collect @ buckets.total
    scale = np.divide(1.0, n, out=np.zeros_like(mean), where=n > 0)[:, None]
    residual = total - number.multiply(np.nan_to_num(mean)[:, None])
    return csr_array(residual.multiply(scale))


def _contents(spells: Spells, members: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The spells with spend in each cell, as two columns: cell and spell."""
    inside = [np.flatnonzero(np.isin(spells.pair, pairs) & (spells.spend[:, 0] > 0)) for pairs in members]
    cell = np.repeat(np.arange(len(inside)), [len(spells_of_cell) for spells_of_cell in inside])
    return cell, np.concatenate([*inside, np.empty(0, int)])


def mean_spend(
    request: Request, cells: CellMeans, influence: np.ndarray, rng: np.random.Generator, positive_mean: float
) -> MeanSpend:
    """Average cells over a request's standards.

    A draw is the mean, plus the influence of the bootstrapped spells, plus normal noise with the variance within
    spells: together the robust variance. Retention drawn from the same bootstrap has the joint covariance Σ IF·(Σy −
    nμ).

    Parameters
    ----------
    request : Request
        The groups; its members are the cells.
    cells : CellMeans
        Their means.
    influence : ndarray of shape (n_draws, n_cells)
        Bootstrap draws of ``cells.scores`` summed over spells.
    rng : Generator
        Advanced.
    positive_mean : float
        Mean spend of the cohort's spenders. Draws of a group without spenders are this times a share from
        Beta(½, n + ½).
    """
    n_draws, n_cells = influence.shape
    noise = rng.standard_normal((n_draws, n_cells)) * np.sqrt(cells.within)
    weights = _weights(request, n_cells)
    used = weights > 0
    drawn = np.nan_to_num(cells.mean + influence + noise) @ weights.T
    point = weights @ np.nan_to_num(cells.mean)
    empty = used @ (cells.n == 0)
    point[empty], drawn[:, empty] = np.nan, np.nan
    customers = (used @ cells.n).astype(int)
    spent_nothing = ~(used @ ~cells.spent_nothing) & (customers > 0)
    for g in np.flatnonzero(spent_nothing):
        drawn[:, g] = positive_mean * rng.beta(0.5, customers[g] + 0.5, n_draws)
    return MeanSpend(
        labels=request.labels,
        groups=tuple(standard.group for standard in request.standards),
        point=point,
        draws=drawn,
        n=customers,
        spent_nothing=spent_nothing,
        own=tuple(i for i in request.own if not empty[i]),
        contrasts=tuple((a, b) for a, b in request.contrasts if not (empty[a] or empty[b])),
        concentration=concentration(weights, cells.n, cells.squares, point),
    )


def on_log_link(means: MeanSpend, rng: np.random.Generator) -> MeanSpend:
    """Draw means on the scale of their logarithm, μ̂·exp(δ/μ̂) for μ̂ + δ: amounts that cannot be negative.

    To first order these are the same draws, with the same joint covariance. The mean of a skewed distribution is
    underestimated more often than overestimated, so the upper limit should be further away (Hall 1992, doi
    10.1111/j.2517-6161.1992.tb01876.x). Not so where one customer makes the mean: another cohort has none like it, or
    two. There it is drawn, Poisson(1) times, beside the others, whose spend, which sums of squares no longer show, is
    taken to vary as much as an exponential distribution.

    Parameters
    ----------
    means : MeanSpend
        Of non-negative amounts. Groups without spenders are returned unchanged.
    rng : Generator
        A child of it is advanced where one customer makes a mean.
    """
    at = (means.point > 0) & ~means.spent_nothing
    draws = means.draws.copy()
    with np.errstate(over="ignore"):  # an error of hundreds of times the mean has no upper limit
        draws[:, at] = means.point[at] * np.exp(draws[:, at] / means.point[at] - 1)
    if means.concentration.size and (one := at & rests_on_one(means.concentration, means.n)).any():
        largest = means.point[one] * np.sqrt(means.concentration[one])
        child, n = rng.spawn(1)[0], means.n[one]
        times = child.poisson(1.0, len(draws))[:, None]
        others = child.gamma(n, np.maximum(means.point[one] - largest, 0.0) / n, (len(draws), len(n)))
        draws[:, one] = others + largest * times
    return replace(means, draws=draws)


def _weights(request: Request, n_cells: int) -> np.ndarray:
    weights = np.zeros((len(request.standards), n_cells))
    for g, standard in enumerate(request.standards):
        np.add.at(weights[g], standard.curve, standard.weight)
    return weights
