"""Cells of spend of one cohort or several, as a posterior is computed from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.special import gammaln, xlogy

from cxlink.bayes.pooled_counts import Coding, strata_of
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.spend.fitted_regressions import NoSpendFit
from cxlink.spend.spend_cells import BucketSums, SpendCells, in_units, spend_cells


@dataclass(frozen=True, slots=True, eq=False)
class StackedCells:
    """Customers with a complete window, by cohort, level and stratum.

    Attributes
    ----------
    coding : Coding
        Cohorts (one where nothing is pooled), levels with customers in any of them, strata.
    cohort, level, stratum : int ndarray of shape (n_cells,)
        Positions in it.
    n, positive : ndarray of shape (n_cells,)
        Customers, and those of them who spent.
    total, squares, log_total : ndarray of shape (n_cells,)
        Σy, Σy² and Σlog y of those, y in units.
    unit : float
        The mean of those who spent, in the spec's currency.
    buckets : BucketSums or None
        The same customers by bucket of clusters; None where those of any cohort are independent.
    """

    coding: Coding
    cohort: np.ndarray
    level: np.ndarray
    stratum: np.ndarray
    n: np.ndarray
    positive: np.ndarray
    total: np.ndarray
    squares: np.ndarray
    log_total: np.ndarray
    unit: float
    buckets: BucketSums | None = None


def stack_counts(cohorts: Mapping[str, Counts]) -> StackedCells | NoSpendFit:
    """Stack the scored cells of cohorts, amounts in units of the mean of all spenders.

    Parameters
    ----------
    cohorts : dict of str to Counts
        By name; in one currency, on one scale, adjusted for the same variables. Some may have no complete windows
        yet: they are predicted from the others.

    Returns
    -------
    StackedCells or NoSpendFit
        The latter, with the reason, where spend may be negative, or nobody spent anything.
    """
    if any(counts.spec.spend is None or counts.spec.spend.refunds for counts in cohorts.values()):
        return NoSpendFit("bayes", "refunds")
    parts = [spend_cells(counts, spells_of(counts)) for counts in cohorts.values()]
    return stack_cells(dict(zip(cohorts, parts, strict=True)))


def stack_cells(cells: Mapping[str, SpendCells]) -> StackedCells | NoSpendFit:
    """Stack cells; see `stack_counts`."""
    parts = list(cells.values())
    if not sum(part.n.sum() for part in parts):
        return NoSpendFit("bayes", "no_complete_window")
    spenders, total = sum(part.positive.sum() for part in parts), sum(part.total.sum() for part in parts)
    if not spenders:
        return NoSpendFit("bayes", "nobody_spent")
    if any((part.total[part.positive > 0] <= 0).any() for part in parts):
        return NoSpendFit("bayes", "negative_spend")
    unit = float(total / spenders)
    measured = [in_units(part, unit) for part in parts]
    sums = {
        name: np.concatenate([getattr(part, name) for part in measured])
        for name in ("n", "positive", "total", "squares", "log_total")
    }
    levels = _ordered([part.levels for part in parts])
    strata = tuple(sorted({stratum for part in parts for stratum in strata_of(part.strata)}))
    return StackedCells(
        Coding(levels, strata, tuple(cells), "levels"),
        cohort=np.repeat(np.arange(len(parts)), [len(part.n) for part in parts]),
        level=np.concatenate([
            np.array([levels.index(one) for one in part.levels], dtype=int)[part.level] for part in parts
        ]),
        stratum=np.concatenate([
            np.array([strata.index(one) for one in strata_of(part.strata)], dtype=int)[part.stratum] for part in parts
        ]),
        **sums,
        unit=unit,
        buckets=_buckets([part.buckets for part in measured]),
    )  # fmt: skip


def _buckets(parts: Sequence[BucketSums | None]) -> BucketSums | None:
    """Sums by bucket of the cells of all cohorts; None where those of one are independent."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    columns = [[getattr(part, one.name) for part in known] for one in fields(BucketSums)]
    return BucketSums(*(np.concatenate(column) for column in columns))


def _ordered(levels: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Levels of any cohort from the worst to the best, in whichever direction each has them."""
    falling = any(one[0] > one[-1] for one in levels)
    return tuple(sorted({level for one in levels for level in one}, reverse=falling))


def cell_log_likelihood(
    stack: StackedCells, share: np.ndarray, amount: np.ndarray, shape: np.ndarray
) -> np.ndarray:
    """Log density of all customers of each cell together, in units: a hurdle, then a gamma.

    n₀·log(1 − p) + n₊·log p + (k − 1)Σlog y − (k/m)Σy + n₊(k·log(k/m) − log Γ(k))

    Parameters
    ----------
    stack : StackedCells
        The counts.
    share, amount : ndarray of shape (..., n_cells)
        logit p of having spent, and log m, the log mean of those who did.
    shape : ndarray broadcastable to (..., n_cells)
        k.

    Returns
    -------
    ndarray of shape (..., n_cells)
    """
    zero = stack.n - stack.positive
    hurdle = -zero * np.logaddexp(0, share) - stack.positive * np.logaddexp(0, -share)
    spent = (shape - 1) * stack.log_total - shape * np.exp(-amount) * stack.total
    log_likelihood: np.ndarray = (
        hurdle + spent + stack.positive * (xlogy(shape, shape) - shape * amount - gammaln(shape))
    )
    return log_likelihood
