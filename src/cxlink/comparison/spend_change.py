"""The change of mean spend between two cohorts, as `retention_change` has it of retention.

Means of the cells are drawn from their robust variance, and customers from a bootstrap. Where spend
cannot be negative the baseline is the change of log means, each expanded (`expansion`) around the cell's mean shrunk
towards the cohort's additive ones; where refunds are allowed, or a cohort spent nothing,
it is the change of the means themselves.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cxlink.cohort.count.spells import Spells
from cxlink.comparison.clustered.paired_buckets import PairedBuckets, paired_streams
from cxlink.comparison.common_support import Frame
from cxlink.comparison.decomposition import states
from cxlink.comparison.drawn_shares import DrawnShares, View, averages
from cxlink.comparison.recalibration import normal_slope, normal_slopes
from cxlink.comparison.retention_change import Figures, RetentionChange, ratios, views_of
from cxlink.comparison.spend_places import SpendPlaces, drawn_places, measured_places


def compare_spend(
    cohorts: tuple[Spells, Spells],
    frame: Frame,
    groups: Sequence[tuple[str, np.ndarray]],
    n_draws: int,
    rng: np.random.Generator,
    *,
    refunds: bool,
    shared: bool = False,
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
    shared : bool
        Whether both cohorts' customers are in clusters of the same kind, so that their buckets are drawn together.
    """
    nothing = any(float(one.spend[:, 1].sum()) <= 0 for one in cohorts)
    amounts = refunds or nothing
    base, new = (measured_places(one, frame) for one in cohorts)
    views = views_of(groups, base.n[..., 0], new.n[..., 0], base.expansion.centre)
    used = (base.n[..., 0] > 0) & (new.n[..., 0] > 0) & (base.mean[..., 0] > 0) & (new.mean[..., 0] > 0)
    slope, error = (np.nan, np.nan) if refunds else _slope(base, new, used)
    point = replace(
        _figures((base, new), (base, new), views, (used, amounts), np.zeros(1)), slope=np.array([slope])
    )
    children, (one, two) = rng.spawn(2), rng.spawn(2)
    first, second = (
        drawn_places(m, (cohort, frame), n_draws, (child, accounts))
        for cohort, m, child, accounts in zip(
            cohorts, (base, new), children, paired_streams(rng, shared=shared), strict=True
        )
    )
    slopes, noise = one.normal(slope, error if error > 0 else 0.0, n_draws), two.standard_normal(n_draws)
    if base.bucketed is not None or new.bucketed is not None:
        slopes = _drawn_slopes((base, new), (first, second), used) if np.isfinite(slope) else slopes
    draws = replace(_figures((base, new), (first, second), views, (used, amounts), noise), slope=slopes)
    n = np.array([[m.n[view.cells].sum() for view in views] for m in (base, new)])
    without = (base.n[..., 0] > 0) & (base.mean[..., 0] <= 0)
    tables = [None if one.bucketed is None else one.bucketed.cells.n for one in (base, new)]
    freedom = PairedBuckets((tables[0], tables[1])).freedom([view.cells for view in views])
    return RetentionChange(views, n, point, draws, int(used.sum()), (), (int(without.sum()), 0), freedom)


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


def _points(base: SpendPlaces, new: SpendPlaces, used: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Cells that the line goes through, and the variances of their log means.

    By the noise of a customer's spend over all cells: a cell's own would do, but it goes with its mean, and the line
    with it. One customer alone, or one bucket, has no square.
    """
    usable, variances = used.copy(), []
    for cells in (base, new):
        usable &= (cells.n[..., 0] if cells.bucketed is None else cells.bucketed.cells.buckets) > 1
    for cells in (base, new):
        bend, noise = cells.expansion.log_bend[usable], cells.expansion.noise[usable]
        variances.append(cells.relative / cells.n[usable, 0] + (bend * noise / 2) ** 2)
    return usable, variances


def _slope(base: SpendPlaces, new: SpendPlaces, used: np.ndarray) -> tuple[float, float]:
    """Of log means on log means."""
    usable, variances = _points(base, new, used)
    x, y = (one.expansion.log(one.mean)[usable, 0] for one in (base, new))
    return normal_slope(x, variances[0], y, variances[1])


def _drawn_slopes(
    point: tuple[SpendPlaces, SpendPlaces], drawn: tuple[SpendPlaces, SpendPlaces], used: np.ndarray
) -> np.ndarray:
    """Slopes of draws of buckets, which move the cells of an account together."""
    usable, variances = _points(*point, used)
    x, y = (one.expansion.log(one.mean)[usable] for one in drawn)
    return normal_slopes(x, variances[0], y, variances[1])
