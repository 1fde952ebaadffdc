"""The change of mean spend between two cohorts, as `retention_change` has it of retention.

Means of the cells are drawn from their robust variance, and customers from a bootstrap (design rule 7). Where spend
cannot be negative the baseline is the change of log means, each expanded (`expansion`) around the cell's mean shrunk
towards the cohort's additive ones; where refunds are allowed, or a cohort spent nothing,
it is the change of the means themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import Spells
from cxlink.comparison.additive_hazards import PRIOR, without_itself
from cxlink.comparison.common_support import Frame, place_of
from cxlink.comparison.decomposition import states
from cxlink.comparison.drawn_shares import DrawnShares, View, averages
from cxlink.comparison.expansion import Expansion
from cxlink.comparison.recalibration import normal_slope
from cxlink.comparison.retention_change import Figures, RetentionChange, ratios, views_of
from cxlink.spend.means import cell_means
from cxlink.survival.small_groups import FEWEST

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
    """

    n: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    relative: float
    expansion: Expansion


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
    base, new = (_measured(one, frame) for one in cohorts)
    views = views_of(groups, base.n[..., 0], new.n[..., 0], base.expansion.centre)
    used = (base.n[..., 0] > 0) & (new.n[..., 0] > 0) & (base.mean[..., 0] > 0) & (new.mean[..., 0] > 0)
    slope, error = (np.nan, np.nan) if refunds else _slope(base, new, used)
    point = replace(
        _figures((base, new), (base, new), views, (used, amounts), np.zeros(1)), slope=np.array([slope])
    )
    first, second = (
        _drawn(m, *_customers(one, frame, n_draws, child))
        for one, m, child in zip(cohorts, (base, new), rng.spawn(2), strict=True)
    )
    one, two = rng.spawn(2)
    slopes, noise = one.normal(slope, error if error > 0 else 0.0, n_draws), two.standard_normal(n_draws)
    draws = replace(_figures((base, new), (first, second), views, (used, amounts), noise), slope=slopes)
    n = np.array([[m.n[view.cells].sum() for view in views] for m in (base, new)])
    without = (base.n[..., 0] > 0) & (base.mean[..., 0] <= 0)
    return RetentionChange(views, n, point, draws, int(used.sum()), (), (int(without.sum()), 0))


def _measured(spells: Spells, frame: Frame) -> SpendPlaces:
    place = place_of(spells, frame)
    members = [np.unique(spells.pair[place == k]) for k in range(frame.shape[0] * frame.shape[1])]
    cells = cell_means(spells, members)
    n, mean, variance = (x.reshape(frame.shape) for x in (cells.n, cells.mean, cells.variance))
    total = np.where(n > 0, n * mean, 0.0)
    additive = _additive(n, total)
    relative = float(np.nansum(n**2 * variance) / max((n * additive**2).sum(), 1e-300))
    others = additive * without_itself(total, n * additive, FEWEST * relative * total.sum() / max(n.sum(), 1))
    centre = (total + PRIOR * relative * others) / np.maximum(n + PRIOR * relative, 1e-300)
    square = np.where(n > 1, (mean - centre) ** 2 - variance, 0.0)
    noise = np.sqrt(2 / np.maximum(n * (n - 1), 1)) * np.where(n > 1, relative * centre**2, 0.0)
    mean = np.where(n > 0, mean, centre)
    return SpendPlaces(n[..., None], mean[..., None], variance, relative, Expansion(centre, square, noise))


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


def _figures(
    point: tuple[SpendPlaces, SpendPlaces],
    drawn: tuple[SpendPlaces, SpendPlaces],
    views: Sequence[View],
    how: tuple[np.ndarray, bool],
    noise: np.ndarray,
) -> Figures:
    used, amounts = how
    base, new = drawn
    shares = DrawnShares((point[0].n, point[1].n), (base.n, new.n))
    old, young = (np.broadcast_to(one.expansion.centre[..., None], new.mean.shape) for one in drawn)
    everybody = np.ones(len(old), bool)
    if amounts:
        shift = shares.baseline_shift(new.mean - base.mean, young - old, everybody)
    else:
        change = new.expansion.log(new.mean) - base.expansion.log(base.mean)
        shift = shares.baseline_shift(change, np.log(young / old), everybody)
        bends = [one.expansion.log_bend * one.expansion.noise for one in drawn]
        shift = shift + noise * shares.deviation_of_shift(bends, everybody)
    values, model = (
        states(a, b, a + shift, b - shift) if amounts else states(a, b, a * np.exp(shift), b / np.exp(shift))
        for a, b in ((base.mean, new.mean), (old, young))
    )
    at = [view.cells[:, 0] for view in views if view.group]
    masks = [view.cells for view in views if view.group]
    ratio = ratios(new.n * new.mean, new.n * base.mean, [*masks, used])
    observed, predicted = (averages(new.n, mean, views) for mean in (new.mean, base.mean))
    nobody = np.full((2, observed.shape[-1]), np.nan)
    return Figures(
        shares.split_groups(values, model, at),
        observed, predicted, predicted * ratio[len(at) - 1], ratio, nobody[0], nobody,
    )  # fmt: skip


def _slope(base: SpendPlaces, new: SpendPlaces, used: np.ndarray) -> tuple[float, float]:
    """Of log means on log means, by the noise of a customer's spend over all cells.

    A cell's own variance would do: but it goes with its mean, and the line with it. One customer alone has no square.
    """
    usable = used & (base.n[..., 0] > 1) & (new.n[..., 0] > 1)
    lines = []
    for cells in (base, new):
        bend, noise = cells.expansion.log_bend[usable], cells.expansion.noise[usable]
        variance = cells.relative / cells.n[usable, 0] + (bend * noise / 2) ** 2
        lines += [cells.expansion.log(cells.mean)[usable, 0], variance]
    return normal_slope(*lines)
