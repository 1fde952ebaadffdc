"""Mean spend of the cells of a cohort, and draws of it."""

from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.spell_buckets import SpellBuckets
from cxlink.cohort.count.spells import Spells
from cxlink.comparison.additive_hazards import PRIOR, without_itself
from cxlink.comparison.clustered.bucketed_means import BucketedMeans, bucketed_means
from cxlink.comparison.common_support import Frame, place_of
from cxlink.comparison.expansion import Expansion
from cxlink.spend.means import cell_means
from cxlink.survival.bootstrap import bucket_weights
from cxlink.survival.sparsity import FEWEST

_BLOCK, _ROUNDS = 200, 30


@dataclass(frozen=True, slots=True)
class SpendPlaces:
    """Mean spend of a cohort by level and stratum of a frame without entries; arrays of shape (n_levels, n_places, …).

    Attributes
    ----------
    n : ndarray (…, n_draws)
        Customers with a complete window.
    mean : ndarray (…, n_draws)
        Their mean; of a cell with nobody that of the expansion's centre.
    variance : ndarray of shape (n_levels, n_places)
        Of the mean; NaN without customers.
    relative : float
        Variance of what a customer spends over its mean squared.
    expansion : Expansion
        Where logarithms of the means are expanded.
    bucketed : BucketedMeans or None
        What buckets of clusters contribute; None where customers are independent.
    """

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    relative: float
    expansion: Expansion
    bucketed: BucketedMeans | None = None


def complete_windows(spells: Spells) -> Spells:
    """Customers with a complete window alone, each counted once."""
    complete = spells.spend[:, 0] > 0
    columns = {name: getattr(spells, name)[complete] for name in ("pair", "entry", "exit", "cause", "spend")}
    here = np.unique(spells.level[columns["pair"]])
    return replace(
        spells,
        n=spells.spend[complete, 0].astype(np.int64),
        levels=tuple(spells.levels[k] for k in here),
        level=np.searchsorted(here, spells.level),
        buckets=spells.buckets and spells.buckets.of_windows(complete),
        **columns,
    )


def measured_places(spells: Spells, frame: Frame) -> SpendPlaces:
    """Measure the means of a cohort in a frame without entries, and where their logarithms are expanded."""
    place = place_of(spells, frame)
    members = [np.unique(spells.pair[place == k]) for k in range(frame.shape[0] * frame.shape[1])]
    cells = cell_means(spells, members)
    n, mean, variance = (x.reshape(frame.shape) for x in (cells.n, cells.mean, cells.variance))
    bucketed = None if spells.buckets is None else bucketed_means(spells, cells, place, frame.shape)
    units, factor = n, np.sqrt(2 / np.maximum(n * (n - 1), 1))
    if bucketed is not None:
        units, variance = bucketed.cells.buckets, bucketed.variance
        factor = bucketed.cells.noise_of_square / np.maximum(n, 1)
    total = np.where(n > 0, n * mean, 0.0)
    additive = _additive(n, total)
    relative = float(np.nansum(n**2 * variance) / max((n * additive**2).sum(), 1e-300))
    single = relative if bucketed is None else relative / bucketed.cells.overall
    others = additive * without_itself(total, n * additive, FEWEST * relative * total.sum() / max(n.sum(), 1))
    centre = (total + PRIOR * relative * others) / np.maximum(n + PRIOR * relative, 1e-300)
    square = np.where(units > 1, (mean - centre) ** 2 - variance, 0.0)
    noise = np.where(units > 1, factor * single * centre**2, 0.0)
    mean = np.where(n > 0, mean, centre)
    expansion = Expansion(centre, square, noise)
    return SpendPlaces(n[..., None], mean[..., None], variance, relative, expansion, bucketed)


def _additive(n: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Means of the strata times one factor a level, by proportional fitting: each margin spends what it spent.

    A stratum has one customer more of the cohort's mean, and a level one at the factor 1.
    """
    overall = total.sum() / max(n.sum(), 1)
    factor = np.ones((len(n), 1))
    for _ in range(_ROUNDS):
        strata = (total.sum(axis=0) + overall) / ((n * factor).sum(axis=0) + 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            factor = (total.sum(axis=1) + overall) / ((n * strata).sum(axis=1) + overall)
        factor = np.nan_to_num(factor, nan=1.0)[:, None]
    means: np.ndarray = factor * strata
    return means


def _customers(
    spells: Spells, frame: Frame, n_draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.random.Generator]:
    """Draw customers, Gamma(n, 1) of a spell: those of each place (n_levels, n_places, n_draws); and a generator."""
    bootstrap, noise = rng.spawn(2)
    place, made = place_of(spells, frame), []
    inside = place >= 0
    for start in range(0, n_draws, _BLOCK):
        shape = (min(_BLOCK, n_draws - start), len(spells.n))
        weights = bootstrap.standard_gamma(spells.n, shape).T
        n = np.zeros((frame.shape[0] * frame.shape[1], weights.shape[1]))
        np.add.at(n, place[inside], weights[inside])
        made.append(n.reshape(*frame.shape, -1))
    return np.concatenate(made, axis=-1), noise


def _drawn(cells: SpendPlaces, n: np.ndarray, rng: np.random.Generator) -> SpendPlaces:
    """Draw means; a level that spent nothing would have spent a share from Beta(½, n + ½) of the others' mean."""
    mean = cells.mean + np.sqrt(np.nan_to_num(cells.variance))[..., None] * rng.standard_normal(n.shape)
    total = (cells.n * cells.mean)[..., 0].sum(axis=1)
    overall = float(total.sum() / max(cells.n.sum(), 1))
    for level in np.flatnonzero((total == 0) & (overall > 0)):
        mean[level] = overall * rng.beta(0.5, cells.n[level].sum() + 0.5, n.shape[-1])
    return replace(cells, n=n, mean=mean)


def _drawn_together(
    cells: SpendPlaces,
    buckets: SpellBuckets | None,
    n_draws: int,
    streams: tuple[np.random.Generator, np.random.Generator],
) -> SpendPlaces:
    """Draw customers and their means with one weight a bucket; ``streams`` are of noise, and of the buckets."""
    bucketed, (rng, accounts) = cells.bucketed, streams
    assert bucketed is not None
    assert buckets is not None
    shape = (*cells.n.shape[:2], -1)
    weights = bucket_weights(buckets, accounts.standard_exponential((n_draws, BUCKETS)).T)
    n = (bucketed.customers @ weights).reshape(shape)
    mean = cells.mean + (bucketed.scores @ (weights - 1)).reshape(shape)
    alone = bucketed.cells.buckets == 1
    noise = bucketed.cells.alike(alone, n_draws, rng)
    mean[alone] += np.sqrt(cells.variance[alone])[:, None] * noise
    total = (cells.n * cells.mean)[..., 0].sum(axis=1)
    overall = float(total.sum() / max(cells.n.sum(), 1))
    for level in np.flatnonzero((total == 0) & (overall > 0)):
        size = cells.n[level].sum() / bucketed.cells.overall
        mean[level] = overall * rng.beta(0.5, size + 0.5, n_draws)
    return replace(cells, n=n, mean=mean)


def drawn_places(
    cells: SpendPlaces,
    cohort: tuple[Spells, Frame],
    n_draws: int,
    streams: tuple[np.random.Generator, np.random.Generator],
) -> SpendPlaces:
    """Draw customers and means.

    Parameters
    ----------
    cells : SpendPlaces
        As `measured_places` gives them.
    cohort : (Spells, Frame)
        Whose they are.
    n_draws : int
        Draws.
    streams : pair of Generator
        Children of the first are advanced where customers are independent; buckets of clusters come from the second.
    """
    spells, frame = cohort
    if cells.bucketed is None:
        return _drawn(cells, *_customers(spells, frame, n_draws, streams[0]))
    return _drawn_together(cells, spells.buckets, n_draws, streams)
