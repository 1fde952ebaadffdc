"""The change of retention between two cohorts, decomposed, and the calibration of the old one on the new.

Everything is made by one function of measured cells, called on the data and then on blocks of draws of both cohorts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from cxlink.comparison.cell_curves import CellCurves, CellDraws, block_of, draws_of, measure
from cxlink.comparison.decomposition import PARTS, baseline_shift, shapley, states
from cxlink.comparison.recalibration import brier, poisson_slopes

DECILES = 10


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


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of two cohorts; draws on the last axis.

    Attributes
    ----------
    split : ndarray of shape (n_groups, n_parts, n_draws)
        Of `PARTS`.
    observed, predicted, recalibrated : ndarray of shape (n_views, n_draws)
        In the new cohort: as it was, by the base's cells, and by those with the ratio put right.
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
    """

    views: tuple[View, ...]
    n: np.ndarray
    point: Figures
    draws: Figures
    n_cells: int
    not_estimable: tuple[int, ...]
    unused: tuple[int, int]

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
    """
    first, second = measure(base), measure(new)
    views = views_of(groups, first.n[..., 0], second.n[..., 0], first.cumulative[..., 0])
    used, unused = _informative(base, first)
    estimable = (base.additive.lost > 0) & (new.additive.lost > 0)
    estimable = estimable if estimable.any() else np.ones_like(estimable)
    stands = np.exp(-first.cumulative)
    point = _figures(first, second, (base, new), views, (used, estimable, stands))
    block = min(block_of(base, n_draws), block_of(new, n_draws))
    one, two = rng.spawn(2)
    pairs = zip(draws_of(base, n_draws, block, one), draws_of(new, n_draws, block, two), strict=True)
    draws = together(_figures(a, b, (base, new), views, (used, estimable, stands)) for a, b in pairs)
    n = np.array([[m.n[view.cells].sum() for view in views] for m in (first, second)])
    not_estimable = tuple(int(k) for k in np.flatnonzero(~estimable))
    return RetentionChange(views, n, point, draws, int(used.sum()), not_estimable, unused)


def views_of(
    groups: Sequence[tuple[str, np.ndarray]], n_base: np.ndarray, n_new: np.ndarray, risk: np.ndarray
) -> tuple[View, ...]:
    """Groups that both cohorts have customers of, and tenths of the new cohort by what the base predicts."""
    found = [View(name, np.repeat(at[:, None], risk.shape[1], axis=1), True) for name, at in groups]
    found = [view for view in found if n_base[view.cells].sum() > 0 and n_new[view.cells].sum() > 0]
    order = np.argsort(risk, axis=None, kind="stable")
    # equal risks stay together: a cell goes where its middle customer does
    _, tie = np.unique(risk.ravel()[order].round(12), return_inverse=True)
    n = np.bincount(tie, n_new.ravel()[order])
    middle = (np.cumsum(n) - n / 2) / max(n.sum(), 1)
    tenth = np.minimum((middle * DECILES).astype(int), DECILES - 1)[tie]
    for k in range(DECILES):
        cells = np.isin(np.arange(risk.size), order[tenth == k]).reshape(risk.shape)
        if n_new[cells].sum() > 0:
            found.append(View(f"decile {k + 1}", cells, False))
    return tuple(found)


def together(blocks: Iterable[Figures]) -> Figures:
    """Join blocks of draws."""
    made = list(blocks)
    names = [field.name for field in fields(Figures)]
    return Figures(*(np.concatenate([getattr(one, name) for one in made], axis=-1) for name in names))


def _figures(
    base: CellDraws,
    new: CellDraws,
    cells: tuple[CellCurves, CellCurves],
    views: Sequence[View],
    known: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> Figures:
    """Figures of measured cells; ``known``: which of them (n_levels, n_strata) the slope stands on, which levels the
    baseline's average does, and what the base predicts as it stands, whose score is made.
    """
    used, estimable, stands = known
    shift = baseline_shift(base.n[estimable], base.log_cumulative[estimable], new.log_cumulative[estimable])
    kept = np.exp(-states(base.cumulative, new.cumulative, shift))
    lost, expected = (
        x.sum(axis=2) for x in (new.lost, new.at_risk * base.hazard)
    )  # (n_levels, n_strata, n_draws)
    at = [view.cells[:, 0] for view in views if view.group]
    inside = [np.repeat(levels[:, None], lost.shape[1], axis=1) for levels in at]
    ratio = ratios(lost, expected, [*inside, used])
    whole = ratio[len(at) - 1]
    recalibrated = np.exp(-base.cumulative * np.where(np.isfinite(whole), whole, 1.0))
    predicted = kept[0, 0]
    place = cells[1].place
    flat = stands.reshape(-1, 1)[np.maximum(place, 0)]
    return Figures(
        split_groups((base.n, new.n), kept, at),
        averages(new.n, kept[1, 1], views),
        averages(new.n, predicted, views),
        averages(new.n, recalibrated, views),
        ratio,
        _slopes(base, new, cells, used),
        brier(cells[1].spells, new.weights, place >= 0, flat, cells[1].frame.horizon),
    )


def split_groups(
    n: tuple[np.ndarray, np.ndarray], values: np.ndarray, groups: Sequence[np.ndarray]
) -> np.ndarray:
    """Split the change of each group (levels): (n_groups, n_parts, n_draws), NaN where a draw has nobody of it."""
    found = np.empty((len(groups), len(PARTS), values.shape[-1]))
    for g, levels in enumerate(groups):
        inside = (n[0][levels], n[1][levels])
        found[g] = np.stack(list(shapley(inside, values[:, :, levels])))
        found[g, :, (inside[0].sum(axis=(0, 1)) == 0) | (inside[1].sum(axis=(0, 1)) == 0)] = np.nan
    return found


def averages(n: np.ndarray, values: np.ndarray, views: Sequence[View]) -> np.ndarray:
    """Mean of each view over its customers: (n_views, n_draws), NaN where a draw has nobody of it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([(n[v.cells] * values[v.cells]).sum(axis=0) / n[v.cells].sum(axis=0) for v in views])


def ratios(observed: np.ndarray, expected: np.ndarray, masks: Sequence[np.ndarray]) -> np.ndarray:
    """Sum of what was observed over that of what was expected, in each set of cells: (n_masks, n_draws)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([observed[mask].sum(axis=0) / expected[mask].sum(axis=0) for mask in masks])


def _informative(base: CellCurves, first: CellDraws) -> tuple[np.ndarray, tuple[int, int]]:
    """Cells of the base that lost some of their customers and kept some, and how many of the others retained are."""
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
    found: np.ndarray = np.where(place >= 0, place // n_places * len(cells.frame.strata) + stratum, -1)
    return found


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
    rates, effective_at_risk = ([np.nan_to_num(x) for x in columns] for columns in (rates, effective_at_risk))
    return poisson_slopes(
        rates[0] * effective_at_risk[0],
        rates[0],
        rates[1] * effective_at_risk[1],
        np.broadcast_to(effective_at_risk[1], rates[1].shape),
    )
