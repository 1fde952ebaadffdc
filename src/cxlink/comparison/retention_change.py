"""The change of retention between two cohorts, decomposed, and the calibration of the old one on the new.

Everything is made by one function of measured cells, called on the data and then on blocks of draws of both cohorts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from cxlink.comparison.cell_curves import CellCurves
from cxlink.comparison.cell_draws import CellDraws, block_of, draws_of, measure, spread
from cxlink.comparison.clustered.bucket_noise import customers_by_bucket
from cxlink.comparison.clustered.paired_buckets import PairedBuckets, paired_streams
from cxlink.comparison.decomposition import states
from cxlink.comparison.drawn_shares import DrawnShares, View, averages
from cxlink.comparison.recalibration import brier, poisson_slopes

DECILES = 10


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of two cohorts; draws on the last axis.

    Attributes
    ----------
    split : ndarray of shape (n_groups, n_parts, n_draws)
        Of `PARTS`.
    observed, predicted, recalibrated : ndarray of shape (n_views, n_draws)
        In the new cohort: as it was, by the base's cells, and by those recalibrated.
    ratio : ndarray of shape (n_groups + 1, n_draws)
        Observed over expected (losses, or spend) of each group; last, of the cells that the slope stands on.
    slope : ndarray of shape (n_draws,)
        Of observed on predicted over the cells, in logarithms; NaN where it is not estimable.
    brier : ndarray of shape (2, n_draws)
        Of the base's predictions as they stand, and of the new cohort's own share.
    """

    split: np.ndarray
    observed: np.ndarray
    predicted: np.ndarray
    recalibrated: np.ndarray
    ratio: np.ndarray
    slope: np.ndarray
    brier: np.ndarray


@dataclass(frozen=True, slots=True)
class RetentionChange:
    """Two cohorts set against each other.

    Attributes
    ----------
    views : tuple of View
        Groups first, ``all`` last among them, then deciles.
    n : ndarray of shape (2, n_views)
        Customers of base and new cohort.
    point, draws : Figures
        Of the data (one on the last axis), and draws.
    n_cells : int
        Cells that the slope stands on.
    not_estimable : tuple of int
        Positions of the levels that the baseline's average leaves out: without any loss in one of the cohorts.
    unused : tuple of int
        Cells without any loss in the base (of spend: without any), and with losses only: the slope leaves them out.
    freedom : ndarray of shape (2, n_views + 1)
        Degrees of freedom of each view, and of all customers, as `PairedBuckets.freedom` gives them.
    """

    views: tuple[View, ...]
    n: np.ndarray
    point: Figures
    draws: Figures
    n_cells: int
    not_estimable: tuple[int, ...]
    unused: tuple[int, int]
    freedom: np.ndarray

    @property
    def groups(self) -> tuple[View, ...]:
        """The views that are groups of scores."""
        return tuple(view for view in self.views if view.group)


def compare_retention(
    base: CellCurves,
    new: CellCurves,
    groups: Sequence[tuple[str, np.ndarray]],
    n_draws: int,
    rng: np.random.Generator,
    *,
    shared: bool = False,
) -> RetentionChange:
    """Set retention at the horizon of two cohorts against each other.

    Parameters
    ----------
    base, new : CellCurves
        In the same frame.
    groups : sequence of (str, bool ndarray of shape (n_levels,))
        Names and levels; the last holds all.
    n_draws : int
        Draws.
    rng : Generator
        Children of it are advanced: one a cohort.
    shared : bool
        Whether both cohorts' customers are in clusters of the same kind, so that their buckets are drawn together.
    """
    cells, point = (base, new), (measure(base), measure(new))
    customers = (point[0].n[..., 0], point[1].n[..., 0])
    views = views_of(groups, *customers, 1 - base.expansion.centre)
    used, unused = _informative(base, point[0])
    estimable = (base.additive.level_lost > 0) & (new.additive.level_lost > 0)
    estimable = estimable if estimable.any() else np.ones_like(estimable)
    pair = _Pair(cells, point, views, used, estimable)
    block = min(block_of(base, n_draws), block_of(new, n_draws))
    one, two, normal = rng.spawn(3)
    accounts = paired_streams(rng, shared=shared)
    drawn = zip(
        draws_of(base, n_draws, block, one, accounts[0]),
        draws_of(new, n_draws, block, two, accounts[1]),
        strict=True,
    )
    draws = together(_figures(pair, *both, _normal(both[0], normal)) for both in drawn)
    n = np.array([[one[view.cells].sum() for view in views] for one in customers])
    not_estimable = tuple(int(k) for k in np.flatnonzero(~estimable))
    freedom = PairedBuckets((_places(base), _places(new))).freedom([view.cells for view in views])
    return RetentionChange(
        views, n, _figures(pair, *point, np.zeros(1)), draws, int(used.sum()), not_estimable, unused, freedom
    )


def _places(cells: CellCurves) -> np.ndarray | None:
    """Customers by place and bucket; None where they are independent."""
    if cells.spells.buckets is None:
        return None
    n_levels, n_places = cells.frame.shape
    return customers_by_bucket(cells.spells, cells.place, n_levels * n_places).reshape(n_levels, n_places, -1)


def _normal(drawn: CellDraws, rng: np.random.Generator) -> np.ndarray:
    """One normal number for each draw."""
    return rng.standard_normal((drawn.n.shape[-1],))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two cohorts: their cells, as measured, and what is made of them.

    Attributes
    ----------
    cells, point : pairs
        Of base and new cohort.
    views : sequence of View
        The lines of the tables.
    used : bool ndarray of shape (n_levels, n_strata)
        Cells that the slope stands on.
    estimable : bool ndarray of shape (n_levels,)
        Levels that the baseline's average stands on.
    """

    cells: tuple[CellCurves, CellCurves]
    point: tuple[CellDraws, CellDraws]
    views: Sequence[View]
    used: np.ndarray
    estimable: np.ndarray


def views_of(
    groups: Sequence[tuple[str, np.ndarray]], n_base: np.ndarray, n_new: np.ndarray, risk: np.ndarray
) -> tuple[View, ...]:
    """Groups that both cohorts have customers of, and tenths of the new cohort by what the base predicts."""
    views = [View(name, np.repeat(at[:, None], risk.shape[1], axis=1), True) for name, at in groups]
    views = [view for view in views if n_base[view.cells].sum() > 0 and n_new[view.cells].sum() > 0]
    order = np.argsort(risk, axis=None, kind="stable")
    # equal risks stay together: a cell goes where its middle customer does
    _, tie = np.unique(risk.ravel()[order].round(12), return_inverse=True)
    n = np.bincount(tie, n_new.ravel()[order])
    middle = (np.cumsum(n) - n / 2) / max(n.sum(), 1)
    tenth = np.minimum((middle * DECILES).astype(int), DECILES - 1)[tie]
    for k in range(DECILES):
        cells = np.isin(np.arange(risk.size), order[tenth == k]).reshape(risk.shape)
        if n_new[cells].sum() > 0:
            views.append(View(f"decile {k + 1}", cells, False))
    return tuple(views)


def together(blocks: Iterable[Figures]) -> Figures:
    """Join blocks of draws."""
    made = list(blocks)
    names = [field.name for field in fields(Figures)]
    return Figures(*(np.concatenate([getattr(one, name) for one in made], axis=-1) for name in names))


def _figures(pair: _Pair, base: CellDraws, new: CellDraws, noise: np.ndarray) -> Figures:
    old, young = (one.expansion for one in pair.cells)
    shares = DrawnShares((pair.point[0].n, pair.point[1].n), (base.n, new.n))
    first, second = (spread(*each) for each in zip(pair.cells, pair.point, (base, new), strict=True))
    change = young.log_cumulative(second) - old.log_cumulative(first)
    model_change = np.log(np.log(young.centre) / np.log(old.centre))[..., None]
    shift = shares.baseline_shift(change, model_change, pair.estimable)
    bends = [one.log_cumulative_bend * one.noise for one in (old, young)]
    factor = np.exp(shift + noise * shares.deviation_of_shift(bends, pair.estimable))
    values = states(first, second, old.power(first, factor), young.power(second, 1 / factor))
    one, two = (at.centre[..., None] for at in (old, young))
    model = states(*np.broadcast_arrays(one, two, one**factor, two ** (1 / factor)))
    at = [view.cells[:, 0] for view in pair.views if view.group]
    ratio = _ratios(pair, at, base, new)
    whole = np.where(np.isfinite(ratio[len(at) - 1]), ratio[len(at) - 1], 1.0)
    place = pair.cells[1].place
    stands = pair.point[0].retained.reshape(-1, 1)[np.maximum(place, 0)]
    return Figures(
        shares.split_groups(values, model, at),
        averages(new.n, new.retained, pair.views),
        averages(new.n, base.retained, pair.views),
        averages(new.n, old.power(base.retained, whole), pair.views),
        ratio,
        _slopes(base, new, pair.cells, pair.used),
        brier(pair.cells[1].spells, new.weights, place >= 0, stands, pair.cells[1].frame.horizon),
    )


def _ratios(pair: _Pair, groups: Sequence[np.ndarray], base: CellDraws, new: CellDraws) -> np.ndarray:
    """Losses over those that the base's hazards expect: of groups (levels), and of the cells of the slope.

    In periods in which the base had customers of the cell at risk: what fills the others is a model of other cells.
    """
    known = (pair.cells[0].additive.at_risk > 0)[..., None]
    lost, expected = (np.where(known, x, 0.0).sum(axis=2) for x in (new.lost, new.at_risk * base.hazard))
    inside = [np.repeat(levels[:, None], lost.shape[1], axis=1) for levels in groups]
    return ratios(lost, expected, [*inside, pair.used])


def ratios(observed: np.ndarray, expected: np.ndarray, masks: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of what was observed over that of what was expected, in each set of cells: (n_masks, n_draws)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([observed[mask].sum(axis=0) / expected[mask].sum(axis=0) for mask in masks])


def _informative(base: CellCurves, first: CellDraws) -> tuple[np.ndarray, tuple[int, int]]:
    """Cells of the base that lost some customers and retained some, and how many others lost none, or all."""
    n_levels, n_strata = first.hazard.shape[:2]
    spells, shape = base.spells, (n_levels, n_strata)
    cell = cell_of(base)
    lost, retained = (
        np.bincount(cell[(cell >= 0) & one], spells.n[(cell >= 0) & one], n_levels * n_strata).reshape(shape)
        for one in (spells.cause > 0, spells.cause == 0)
    )
    used = (lost > 0) & (retained > 0)
    none, only = (lost == 0) & (retained > 0), (lost > 0) & (retained == 0)
    return used, (int(none.sum()), int(only.sum()))


def cell_of(cells: CellCurves) -> np.ndarray:
    """Level × stratum of each spell with a place, −1 for the others."""
    place, n_places = cells.place, len(cells.frame.stratum)
    stratum = cells.frame.stratum[place % n_places]
    cell: np.ndarray = np.where(place >= 0, place // n_places * len(cells.frame.strata) + stratum, -1)
    return cell


def _slopes(
    base: CellDraws, new: CellDraws, cells: tuple[CellCurves, CellCurves], used: np.ndarray
) -> np.ndarray:
    """Slopes over the cells, the periods of each weighted alike in both cohorts: r r' / (r + r').

    Those are the weights of Mantel & Haenszel (1959, doi 10.1093/jnci/22.4.719). A cell stands for as many
    customer-periods as its weighted hazard has the variance of: (Σ w)² / Σ w² / r.
    """
    at_risk = [one.additive.at_risk[used] for one in cells]
    both = (at_risk[0] > 0) & (at_risk[1] > 0)
    weight = np.where(both, at_risk[0] * at_risk[1] / np.maximum(at_risk[0] + at_risk[1], 1), 0.0)
    total = weight.sum(axis=1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = [(weight[..., None] * one.hazard[used]).sum(axis=1) / total for one in (base, new)]
        effective_at_risk = [total**2 / (weight**2 / np.maximum(r, 1)).sum(axis=1)[:, None] for r in at_risk]
    effective_at_risk = [
        r / one.bucketed.overall if one.bucketed else r
        for r, one in zip(effective_at_risk, cells, strict=True)
    ]
    rates, effective_at_risk = ([np.nan_to_num(x) for x in columns] for columns in (rates, effective_at_risk))
    return poisson_slopes(
        rates[0] * effective_at_risk[0],
        rates[0],
        rates[1] * effective_at_risk[1],
        np.broadcast_to(effective_at_risk[1], rates[1].shape),
    )
