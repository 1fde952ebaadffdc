"""Means of reported groups from a regression of spend, averaged over the strata of all customers scored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.estimation.effects import monotone
from cxlink.groups.requests import Request, by_level
from cxlink.groups.standardisation import standardised
from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.means import MeanSpend
from cxlink.spend.spend_cells import SpendCells, merged, spend_cells

_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SpendQuestion:
    """The group means to be estimated from regressions of spend.

    Attributes
    ----------
    cells : SpendCells
        Cells that models are fitted to: by level and stratum, or by level alone.
    request : Request
        The groups; its curves are every combination of level and stratum of the cells, in row-major order.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score.
    n_draws : int
        Number of draws.
    """

    cells: SpendCells
    request: Request
    effect: Effect
    n_draws: int


def spend_question(counts: Counts, spells: Spells) -> SpendQuestion:
    """Means standardised over all strata; by level alone where there is nothing to standardise over.

    Unlike those of the saturated means, these standards include strata in which a level has no customers.
    """
    spec, cells = counts.spec, spend_cells(counts, spells)
    ignoring_entry = replace(spells, entry=np.zeros_like(spells.entry))
    request = standardised(ignoring_entry, spec, None)
    if request is None:
        cells, request = merged(cells), by_level(_with_windows(ignoring_entry), spec)
    return SpendQuestion(cells, request, spec.score.effect, spec.analysis.draws)


def _with_windows(spells: Spells) -> Spells:
    """Customers with a complete window alone."""
    complete = spells.spend[:, 0] > 0
    columns = {name: getattr(spells, name)[complete] for name in ("pair", "entry", "exit", "cause", "spend")}
    buckets = spells.buckets and spells.buckets.of_windows(complete)
    return replace(spells, n=spells.spend[complete, 0].astype(np.int64), buckets=buckets, **columns)


def group_means(fit: SpendFit, question: SpendQuestion, rng: np.random.Generator) -> MeanSpend:
    """Average a fit over the standards of a request, with draws.

    The mean of a group is the average of its levels' means, each over the same strata weights. A monotone effect
    projects the logs of those.

    Parameters
    ----------
    fit : SpendFit
        Fitted to the question's cells.
    question : SpendQuestion
        The groups and the number of draws.
    rng : Generator
        Advanced.
    """
    request, shape = question.request, fit.inestimable.shape
    strata = _strata_weights(request, shape[1])
    point = np.concatenate(list(_by_level(fit, [theta[None] for theta in fit.stack.theta], strata)))[0]
    theta = fit.stack.draws(question.n_draws, rng)
    drawn = np.concatenate(list(_by_level(fit, theta, strata)))
    if question.effect == "monotone":
        point, drawn = _monotone(point, drawn)
    share = np.array([_level_shares(request, g, shape) for g in range(len(request.standards))])
    inestimable = (share > 0) @ np.isnan(point) | ~share.any(axis=1)
    point, drawn = share @ _zero_filled(point), _zero_filled(drawn) @ share.T
    point[inestimable], drawn[:, inestimable] = np.nan, np.nan
    n = np.bincount(question.cells.level, question.cells.n, shape[0])
    return MeanSpend(
        labels=request.labels,
        groups=tuple(standard.group for standard in request.standards),
        point=point,
        draws=drawn,
        n=((share > 0) @ n).astype(int),
        spent_nothing=np.zeros(len(point), dtype=bool),
        own=tuple(i for i in request.own if not inestimable[i]),
        contrasts=tuple((a, b) for a, b in request.contrasts if not (inestimable[a] or inestimable[b])),
        model=fit.model,
    )


def inestimable_groups(fit: SpendFit, question: SpendQuestion) -> list[str]:
    """Groups without a mean: the combination with some stratum is not estimable."""
    strata, groups = _strata_weights(question.request, fit.inestimable.shape[1]), question.request.standards
    inestimable = (fit.inestimable & (strata > 0)).any(axis=1)
    shares = [_level_shares(question.request, g, fit.inestimable.shape) for g in question.request.own]
    groups_without = {
        groups[g].group for g, share in zip(question.request.own, shares, strict=True) if share @ inestimable
    }
    return sorted(groups_without)


def _by_level(fit: SpendFit, theta: list[np.ndarray], strata: np.ndarray) -> Iterator[np.ndarray]:
    """Mean of each level over the strata, in the currency: blocks of (n_block, n_levels); NaN where not estimable."""
    inestimable = (fit.inestimable & (strata > 0)).any(axis=1)
    block = max(_BLOCK // fit.inestimable.size, 10)
    for start in range(0, len(theta[0]), block):
        with np.errstate(over="ignore"):
            means = fit.averages([drawn[start : start + block] for drawn in theta], strata)
        means[:, inestimable] = np.nan
        yield means


def _strata_weights(request: Request, n_strata: int) -> np.ndarray:
    """Shares of the strata, the same in all standards."""
    standard = next((s for s in request.standards if s.curve.size), None)
    if standard is None:
        return np.zeros(n_strata)
    return np.bincount(standard.curve % n_strata, standard.weight, n_strata)


def _level_shares(request: Request, group: int, shape: tuple[int, ...]) -> np.ndarray:
    standard = request.standards[group]
    return np.bincount(standard.curve // shape[1], standard.weight, shape[0])


def _zero_filled(means: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(means), 0.0, means)


def _monotone(point: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project the levels' log means to the nearest monotone ones."""
    estimable = np.flatnonzero(~np.isnan(point))
    estimate, draws = np.log(point[estimable]), np.log(drawn[:, estimable])
    variance = np.var(draws - draws.mean(axis=1, keepdims=True), axis=0)
    projected, projected_draws, _ = monotone(estimate, draws, variance)
    point, drawn = point.copy(), drawn.copy()
    point[estimable], drawn[:, estimable] = np.exp(projected), np.exp(projected_draws)
    return point, drawn
