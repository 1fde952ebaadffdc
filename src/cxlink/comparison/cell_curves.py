"""Kaplan–Meier of every level and stratum of a cohort, with draws, and where its functions are expanded.

A cell's retained share is its plain estimate, and stays so in every sum. Functions of it (`expansion`) are expanded
around the cell's hazards shrunk towards the cohort's additive ones by the weight of ten losses; a period in which a
cell had nobody at risk takes those hazards too.
"""

from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import RiskSets, Spells, risk_sets
from cxlink.comparison.additive_hazards import Additive, additive_hazards
from cxlink.comparison.cell_windows import counted_in, customers_of, plain_steps, window_steps
from cxlink.comparison.clustered.bucket_noise import BucketedCells, bucketed_cells, variance_over_buckets
from cxlink.comparison.common_support import Frame, place_of, positions
from cxlink.comparison.expansion import Expansion
from cxlink.survival.sparsity import FEWEST

_LEAST = 1.0
"""Customers of a cell that its model expects to lose, and to retain, for its square to be used."""


@dataclass(frozen=True, slots=True)
class CellCurves:
    """One cohort in the frame that it shares with another.

    Attributes
    ----------
    spells : Spells
        The cohort.
    frame : Frame
        Places of both cohorts.
    place : int ndarray of shape (n_spells,)
        Level × place of each spell, −1 for those set aside.
    count : RiskSets
        By level × stratum, over all of the follow-up.
    within : RiskSets
        The same up to the horizon after each survey, of customers with a place alone.
    additive : Additive
        What sparse cells are shrunk towards.
    expansion : Expansion
        Where functions of the retained shares are expanded.
    bucketed : BucketedCells or None
        Customers of each level × place by bucket; None where they are independent.
    """

    spells: Spells
    frame: Frame
    place: np.ndarray
    count: RiskSets
    within: RiskSets
    additive: Additive
    expansion: Expansion
    bucketed: BucketedCells | None = None


def cells_of(spells: Spells, frame: Frame) -> CellCurves:
    """Sort a cohort into a frame."""
    level, stratum = positions(spells, frame.levels, frame.strata)
    place, n_strata = place_of(spells, frame), len(frame.strata)
    cell = np.where((level >= 0) & (stratum >= 0), level * n_strata + stratum, -1)
    pairs = [np.unique(spells.pair[cell == k]) for k in range(len(frame.levels) * n_strata)]
    count = risk_sets(spells, pairs)
    last = spells.entry + frame.horizon
    clipped = replace(
        spells,
        exit=np.where(place >= 0, np.minimum(spells.exit, last), spells.entry),
        cause=np.where((spells.exit <= last) & (place >= 0), spells.cause, 0),
    )
    within = risk_sets(clipped, pairs)
    gone, inside = clipped.cause > 0, place >= 0
    lost, retained = (
        np.bincount(level[inside & one], spells.n[inside & one], len(frame.levels)) for one in (gone, ~gone)
    )
    at_risk, losses = (x[..., 0] for x in counted_in(count, spells.n[:, None], frame))
    if frame.entry.any():
        lost, retained = losses.sum(axis=(1, 2)), (at_risk - losses).sum(axis=(1, 2))
    additive = additive_hazards(at_risk, losses, np.minimum(lost, retained) < FEWEST)
    expansion = _expanded(at_risk, losses, additive.shrunk, frame)
    made = CellCurves(spells, frame, place, count, within, additive, expansion)
    return made if spells.buckets is None else _over_buckets(made, cell)


def _over_buckets(made: CellCurves, cell: np.ndarray) -> CellCurves:
    """Expand with the variance over buckets of clusters, and see how far customers of a bucket are alike."""
    n, variance = variance_over_buckets(made.spells, made.count, made.frame, cell)
    steps = plain_steps(made.additive.at_risk, made.additive.lost, made.additive.shrunk)
    retained = np.exp(-window_steps(steps[..., None], made.frame))[..., 0]
    customers, centre = n.sum(axis=-1), made.expansion.centre
    single = np.where(customers > 1, retained * (1 - retained), np.nan)
    bucketed = bucketed_cells(n, retained**2 * variance, single)
    used = (bucketed.buckets > 1) & (customers * np.minimum(centre, 1 - centre) > _LEAST)
    square = np.where(used, (retained - centre) ** 2 - retained**2 * variance, 0.0)
    each = centre * (1 - centre) / np.maximum(customers, 1)
    noise = np.where(used, each * bucketed.noise_of_square, 0.0)
    return replace(made, expansion=Expansion(centre, square, noise), bucketed=bucketed)


def _expanded(at_risk: np.ndarray, lost: np.ndarray, shrunk: np.ndarray, frame: Frame) -> Expansion:
    """Expand around shrunk hazards; v is Greenwood's variance × n / (n − 1): unbiased without censoring."""
    customers, plain = customers_of(at_risk), plain_steps(at_risk, lost, shrunk)
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.where(lost > 0, lost / (at_risk * (at_risk - lost)), 0.0)
    centre, retained, variance = (
        window_steps(steps[..., None], frame)[..., 0]
        for steps in (shrunk, plain, np.where(np.isfinite(noise), noise, 0.0))
    )
    centre, retained, n = np.exp(-centre), np.exp(-retained), customers[:, frame.stratum]
    variance = retained**2 * variance * n / np.maximum(n - 1, 1)
    # a square of hardly a customer who left, or hardly one who stayed, is noise
    used = (n > 1) & (n * np.minimum(centre, 1 - centre) > _LEAST)
    square = np.where(used, (retained - centre) ** 2 - variance, 0.0)
    noise = np.where(used, centre * (1 - centre) * np.sqrt(2 / np.maximum(n * (n - 1), 1)), 0.0)
    return Expansion(centre, square, noise)
