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
from cxlink.spend.fitted_regressions import NoSpendFit, SpendFit
from cxlink.spend.means import MeanSpend
from cxlink.spend.regressions import fit_poisson
from cxlink.spend.spend_cells import SpendCells, merged, spend_cells

_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SpendQuestion:
    """What is asked of regressions of spend.

    Attributes
    ----------
    cells : SpendCells
        What they are fitted to: by level and stratum, or by level alone.
    request : Request
        The groups; its curves are every combination of level and stratum of the cells, in row-major order.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score.
    n_draws : int
        Draws wanted.
    """

    cells: SpendCells
    request: Request
    effect: Effect
    n_draws: int


def spend_question(counts: Counts, spells: Spells) -> SpendQuestion:
    """Ask for means standardised over all strata; by level alone where there is nothing to standardise over.

    Unlike those of the saturated means, these standards hold strata in which some level has nobody.
    """
    spec, cells = counts.spec, spend_cells(counts, spells)
    ignoring_entry = replace(spells, entry=np.zeros_like(spells.entry))
    request = standardised(ignoring_entry, spec, None)
    if request is None:
        cells, request = merged(cells), by_level(_with_windows(ignoring_entry), spec)
    return SpendQuestion(cells, request, spec.score.effect, spec.analysis.draws)


def _with_windows(spells: Spells) -> Spells:
    """Customers with a complete window alone."""
    kept = spells.spend[:, 0] > 0
    columns = {name: getattr(spells, name)[kept] for name in ("pair", "entry", "exit", "cause", "spend")}
    return replace(spells, n=spells.spend[kept, 0].astype(np.int64), **columns)


def additive_means(
    counts: Counts, spells: Spells, rng: np.random.Generator
) -> tuple[MeanSpend | None, SpendFit | NoSpendFit]:
    """Standardise the additive Poisson over all strata: what the headline stands on where support is small.

    Parameters
    ----------
    counts : Counts
        With spend.
    spells : Spells
        Of the same counts.
    rng : Generator
        Advanced.

    Returns
    -------
    means : Means or None
        None where it could not be fitted.
    fit : SpendFit or NoSpendFit
        What they stand on, or why not.
    """
    question = spend_question(counts, spells)
    fit = fit_poisson(question.cells, question.effect)
    return (group_means(fit, question, rng) if isinstance(fit, SpendFit) else None), fit


def group_means(fit: SpendFit, question: SpendQuestion, rng: np.random.Generator) -> MeanSpend:
    """Average a fit over the standards of a request, with draws.

    Every group is an average of its levels' means, each over the same strata weights. A monotone effect is the
    projection of the logs of those.

    Parameters
    ----------
    fit : SpendFit
        Of the question's cells.
    question : SpendQuestion
        What is asked.
    rng : Generator
        Advanced.
    """
    request, shape = question.request, fit.unknown.shape
    strata = _strata_weights(request, shape[1])
    point = np.concatenate(list(_by_level(fit, [theta[None] for theta in fit.stack.theta], strata)))[0]
    theta = fit.stack.draws(question.n_draws, rng)
    drawn = np.concatenate(list(_by_level(fit, theta, strata)))
    if question.effect == "monotone":
        point, drawn = _monotone(point, drawn)
    share = np.array([_level_shares(request, g, shape) for g in range(len(request.standards))])
    unknown = (share > 0) @ np.isnan(point) | ~share.any(axis=1)
    point, drawn = share @ _known(point), _known(drawn) @ share.T
    point[unknown], drawn[:, unknown] = np.nan, np.nan
    n = np.bincount(question.cells.level, question.cells.n, shape[0])
    return MeanSpend(
        labels=request.labels,
        groups=tuple(standard.group for standard in request.standards),
        point=point,
        draws=drawn,
        n=((share > 0) @ n).astype(int),
        spent_nothing=np.zeros(len(point), dtype=bool),
        own=tuple(i for i in request.own if not unknown[i]),
        contrasts=tuple((a, b) for a, b in request.contrasts if not (unknown[a] or unknown[b])),
        model=fit.model,
    )


def unanswered(fit: SpendFit, question: SpendQuestion) -> list[str]:
    """Groups that have no mean, since some stratum's combination with them cannot be told."""
    strata, groups = _strata_weights(question.request, fit.unknown.shape[1]), question.request.standards
    lost = (fit.unknown & (strata > 0)).any(axis=1)
    shares = [_level_shares(question.request, g, fit.unknown.shape) for g in question.request.own]
    found = {groups[g].group for g, share in zip(question.request.own, shares, strict=True) if share @ lost}
    return sorted(found)


def _by_level(fit: SpendFit, theta: list[np.ndarray], strata: np.ndarray) -> Iterator[np.ndarray]:
    """Mean of each level over the strata, in the currency: blocks of (n_block, n_levels); NaN where unknown."""
    lost = (fit.unknown & (strata > 0)).any(axis=1)
    block = max(_BLOCK // fit.unknown.size, 10)
    for start in range(0, len(theta[0]), block):
        with np.errstate(over="ignore"):
            means = fit.averages([drawn[start : start + block] for drawn in theta], strata)
        means[:, lost] = np.nan
        yield means


def _strata_weights(request: Request, n_strata: int) -> np.ndarray:
    """Shares of the strata: those of any standard, since all are over the same."""
    asked = next((s for s in request.standards if s.curve.size), None)
    if asked is None:
        return np.zeros(n_strata)
    return np.bincount(asked.curve % n_strata, asked.weight, n_strata)


def _level_shares(request: Request, group: int, shape: tuple[int, ...]) -> np.ndarray:
    standard = request.standards[group]
    return np.bincount(standard.curve // shape[1], standard.weight, shape[0])


def _known(means: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(means), 0.0, means)


def _monotone(point: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project the levels' log means to the nearest that never turn back."""
    known = np.flatnonzero(~np.isnan(point))
    estimate, draws = np.log(point[known]), np.log(drawn[:, known])
    variance = np.var(draws - draws.mean(axis=1, keepdims=True), axis=0)
    projected, moved, _ = monotone(estimate, draws, variance)
    point, drawn = point.copy(), drawn.copy()
    point[known], drawn[:, known] = np.exp(projected), np.exp(moved)
    return point, drawn
