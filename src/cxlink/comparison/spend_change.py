"""The change of mean spend between two cohorts, as `retention_change` has it of retention.

Means of the cells are drawn from their robust variance, and customers from a bootstrap (design rule 7). Where spend
cannot be negative the baseline is the change of log means, each cell having one customer more of the cohort's additive
means; where refunds are allowed, or a cohort spent nothing, it is the change of the means themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import Spells
from cxlink.comparison.common_support import Frame, place_of
from cxlink.comparison.decomposition import baseline_shift, moved, states
from cxlink.comparison.recalibration import normal_slope
from cxlink.comparison.retention_change import (
    Figures,
    RetentionChange,
    View,
    averages,
    ratios,
    split_groups,
    views_of,
)
from cxlink.spend.means import cell_means
from cxlink.survival.bootstrap import resample

_BLOCK = 200


@dataclass(frozen=True, slots=True)
class SpendPlaces:
    """Mean spend of a cohort by level and stratum of a frame without entries; arrays of shape (n_levels, n_places, …).

    Attributes
    ----------
    n : ndarray (…, n_draws)
        Customers with a complete window.
    mean : ndarray (…, n_draws)
        Their mean; of a cell with nobody the additive one.
    log_mean : ndarray (…, n_draws)
        Logarithm of the mean with one customer added; the mean itself where the baseline is an amount.
    variance : ndarray of shape (n_levels, n_places)
        Of the mean; NaN without customers.
    """

    n: np.ndarray
    mean: np.ndarray
    log_mean: np.ndarray
    variance: np.ndarray


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
        **columns,
    )


def compare_spend(
    cohorts: tuple[Spells, Spells],
    frame: Frame,
    groups: Sequence[tuple[str, np.ndarray]],
    n_draws: int,
    rng: np.random.Generator,
    *,
    refunds: bool,
) -> RetentionChange:
    """Set mean spend of two cohorts against each other.

    Parameters
    ----------
    cohorts : pair of Spells
        Base and new, as `complete_windows` gives them.
    frame : Frame
        Theirs, of horizon 0.
    groups : sequence of (str, bool ndarray of shape (n_levels,))
        Names and levels; the last holds all.
    n_draws : int
        Draws.
    rng : Generator
        Children of it are advanced: one a cohort.
    refunds : bool
        Whether spend may be negative.
    """
    nothing = any(float(one.spend[:, 1].sum()) <= 0 for one in cohorts)
    amounts = refunds or nothing
    base, new = (_measured(one, frame, amounts) for one in cohorts)
    views = views_of(groups, base.n[..., 0], new.n[..., 0], base.mean[..., 0])
    used = (base.n[..., 0] > 0) & (new.n[..., 0] > 0) & (base.mean[..., 0] > 0) & (new.mean[..., 0] > 0)
    slope, error = (np.nan, np.nan) if refunds else _slope(base, new, used)
    point = replace(_figures(base, new, views, used, amounts), slope=np.array([slope]))
    drawn = [
        _drawn(m, *_customers(one, frame, n_draws, child), amounts)
        for one, m, child in zip(cohorts, (base, new), rng.spawn(2), strict=True)
    ]
    slopes = rng.spawn(1)[0].normal(slope, error if error > 0 else 0.0, n_draws)
    draws = replace(_figures(drawn[0], drawn[1], views, used, amounts), slope=slopes)
    n = np.array([[m.n[view.cells].sum() for view in views] for m in (base, new)])
    without = (base.n[..., 0] > 0) & (base.mean[..., 0] <= 0)
    return RetentionChange(views, n, point, draws, int(used.sum()), (), (int(without.sum()), 0))


def _measured(spells: Spells, frame: Frame, amounts: bool) -> SpendPlaces:
    place = place_of(spells, frame)
    members = [np.unique(spells.pair[place == k]) for k in range(frame.shape[0] * frame.shape[1])]
    cells = cell_means(spells, members)
    n, mean, variance = (x.reshape(frame.shape) for x in (cells.n, cells.mean, cells.variance))
    additive_mean = _additive(n, np.nan_to_num(mean))
    mean_or_additive = np.where(n > 0, mean, additive_mean)
    log_mean = mean_or_additive if amounts else np.log((n * mean_or_additive + additive_mean) / (n + 1))
    return SpendPlaces(n[..., None], mean_or_additive[..., None], log_mean[..., None], variance)


def _additive(n: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Means of the strata times one factor a level, each shrunk towards the cohort by one customer."""
    overall = (n * mean).sum() / max(n.sum(), 1)
    strata = ((n * mean).sum(axis=0) + overall) / (n.sum(axis=0) + 1)
    expected = (n * strata).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.nan_to_num(((n * mean).sum(axis=1) + overall) / (expected + overall), nan=1.0)
    means: np.ndarray = factor[:, None] * strata
    return means


def _customers(
    spells: Spells, frame: Frame, n_draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.random.Generator]:
    """Resample customers: their number in each place (n_levels, n_places, n_draws); and a generator for the means."""
    bootstrap, noise = rng.spawn(2)
    place, made = place_of(spells, frame), []
    inside = place >= 0
    for weights in resample(spells.n, n_draws, min(n_draws, _BLOCK), bootstrap):
        n = np.zeros((frame.shape[0] * frame.shape[1], weights.shape[1]))
        np.add.at(n, place[inside], weights[inside])
        made.append(n.reshape(*frame.shape, -1))
    return np.concatenate(made, axis=-1), noise


def _drawn(cells: SpendPlaces, n: np.ndarray, rng: np.random.Generator, amounts: bool) -> SpendPlaces:
    """Draw means; a level that spent nothing would have spent a share from Beta(½, n + ½) of the others' mean."""
    error = np.sqrt(np.nan_to_num(cells.variance))[..., None] * rng.standard_normal(n.shape)
    mean = cells.mean + error
    # the delta method: a logarithm of draws would be biased down where cells are sparse
    scale = 1.0 if amounts else cells.n / (cells.n + 1) / np.exp(cells.log_mean)
    total = (cells.n * cells.mean)[..., 0].sum(axis=1)
    overall = float(total.sum() / max(cells.n.sum(), 1))
    for level in np.flatnonzero((total == 0) & (overall > 0)):
        mean[level] = overall * rng.beta(0.5, cells.n[level].sum() + 0.5, n.shape[-1])
    return SpendPlaces(n, mean, cells.log_mean + scale * error, cells.variance)


def _figures(
    base: SpendPlaces, new: SpendPlaces, views: Sequence[View], used: np.ndarray, amounts: bool
) -> Figures:
    shift = baseline_shift(base.n, base.log_mean, new.log_mean)
    values = moved(base.mean, new.mean, shift) if amounts else states(base.mean, new.mean, shift)
    at = [view.cells[:, 0] for view in views if view.group]
    masks = [view.cells for view in views if view.group]
    ratio = ratios(new.n * new.mean, new.n * base.mean, [*masks, used])
    observed, predicted = (averages(new.n, x, views) for x in (new.mean, base.mean))
    nobody = np.full((2, observed.shape[-1]), np.nan)
    return Figures(
        split_groups((base.n, new.n), values, at),
        observed, predicted, predicted * ratio[len(at) - 1], ratio, nobody[0], nobody,
    )  # fmt: skip


def _slope(base: SpendPlaces, new: SpendPlaces, used: np.ndarray) -> tuple[float, float]:
    """Of log means on log means; cells of one customer, and without variance, have no error to be weighted by."""
    one, two = (
        (cells.mean[..., 0], cells.variance / np.square(np.where(used, cells.mean[..., 0], 1.0)))
        for cells in (base, new)
    )
    usable = used & (base.n[..., 0] > 1) & (new.n[..., 0] > 1) & (one[1] > 0) & (two[1] > 0)
    return normal_slope(np.log(one[0][usable]), one[1][usable], np.log(two[0][usable]), two[1][usable])
