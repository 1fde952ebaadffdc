"""What a posterior of spend says: mean spend by level and stratum, and how likely it makes each cell."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.special import expit

from cxlink.bayes.assessment.predictive_checks import spend_checks, spend_replicates
from cxlink.bayes.draws.new_cohort import departed, departed_scores
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models.hurdle_gamma import PARTS
from cxlink.bayes.models.spend_posterior import sample_spend
from cxlink.bayes.pooled_counts import BayesEffect, Coding, coding_from, strata_of
from cxlink.bayes.stacked_spend import StackedCells, cell_log_likelihood
from cxlink.checks import Check
from cxlink.spend.means import MeanSpend
from cxlink.spend.standardised_means import SpendQuestion


def spend_draws(posterior: Posterior, cohort: str | None = None) -> np.ndarray:
    """Mean spend over the window, zeros included, in the spec's currency: p·m.

    Parameters
    ----------
    posterior : Posterior
        Of `sample_spend`.
    cohort : str, optional
        Of which cohort; the last one pooled by default.

    Returns
    -------
    ndarray of shape (n_draws, n_levels, n_strata)
        Every combination of the posterior's coding, whether or not it has customers.
    """
    cohorts = _coding(posterior).cohorts
    at = len(cohorts) - 1 if cohort is None else cohorts.index(cohort)
    share, amount = posterior.draws("share")[:, at], posterior.draws("amount")[:, at]
    mean: np.ndarray = float(posterior.about["unit"]) * expit(share) * np.exp(amount)
    return mean


def new_spend_draws(posterior: Posterior, rng: np.random.Generator) -> np.ndarray:
    """Mean spend of a cohort without any data, as `spend_draws`; see `new_cohort`."""
    coding, used = _coding(posterior), np.arange(posterior.n_draws)
    parts = {}
    for part in PARTS:
        mean = posterior.draws(part).mean(axis=1)
        moved = departed(posterior, coding, used, rng, f"_{part}")[:, None]
        if len(coding.levels) > 1:
            positions = _positions(posterior, part, coding)
            moved = moved + departed_scores(
                posterior, coding, used, rng, positions=positions, after=f"_{part}"
            )
        parts[part] = mean + moved[:, :, None]
    means: np.ndarray = float(posterior.about["unit"]) * expit(parts["share"]) * np.exp(parts["amount"])
    return means


def _positions(posterior: Posterior, part: str, coding: Coding) -> np.ndarray:
    """Centred positions of the levels under a monotone effect, (n_draws, n_levels); unused under a free one."""
    if coding.effect != "monotone":
        return np.empty(0)
    two = np.ones((posterior.n_draws, 1))
    steps = posterior.draws(f"steps_{part}") if len(coding.levels) > 2 else two
    x = np.concatenate([np.zeros_like(two), np.cumsum(steps, axis=1)], axis=1)
    centred: np.ndarray = x - x.mean(axis=1, keepdims=True)
    return centred


def _coding(posterior: Posterior) -> Coding:
    return coding_from(posterior.about["coding"])


def posterior_means(
    posterior: Posterior, question: SpendQuestion, strata: pd.DataFrame, spent: np.ndarray
) -> MeanSpend:
    """Average a posterior over the standards of a request, as for the other models of spend.

    Parameters
    ----------
    posterior : Posterior
        Of `sample_spend`.
    question : SpendQuestion
        The groups, with the cohort's own cells.
    strata : DataFrame of shape (n_strata, n_variables)
        The cohort's strata, as in its spells: one may have been merged away in the question.
    spent : ndarray of shape (n_draws, n_levels, n_strata)
        Of the cohort, by `spend_draws` or `new_spend_draws`.

    Returns
    -------
    MeanSpend
        Whose point estimates are posterior means.
    """
    request, cells, coding = question.request, question.cells, _coding(posterior)
    places = np.array([coding.strata.index(one) for one in strata_of(strata)], dtype=int)
    levels = np.array([coding.levels.index(level) for level in cells.levels], dtype=int)
    drawn = spent[:, levels][:, :, places].reshape(posterior.n_draws, -1)
    weights = np.zeros((len(request.standards), drawn.shape[1]))
    for g, standard in enumerate(request.standards):
        np.add.at(weights[g], standard.curve, standard.weight)
    averaged = drawn @ weights.T
    n = np.bincount(cells.level, cells.n, len(levels))
    used = weights.reshape(len(weights), len(levels), -1).sum(axis=2) > 0
    return MeanSpend(
        labels=request.labels,
        groups=tuple(standard.group for standard in request.standards),
        point=averaged.mean(axis=0),
        draws=averaged,
        n=(used @ n).astype(int),
        spent_nothing=np.zeros(len(weights), dtype=bool),
        own=request.own,
        contrasts=request.contrasts,
        model=posterior.name,
    )


def spend_log_likelihood(posterior: Posterior, stack: StackedCells) -> np.ndarray:
    """Log density of each cell at each draw, computed after sampling.

    Parameters
    ----------
    posterior : Posterior
        Of `sample_spend`; thin it first where there are many cells.
    stack : StackedCells
        The cells, of the same coding.

    Returns
    -------
    ndarray of shape (n_chains, n_draws, n_cells)
    """
    tables = posterior.tree["posterior"]
    at = (slice(None), slice(None), stack.cohort, stack.level, stack.stratum)
    share, amount = (tables[part].to_numpy()[at] for part in ("share", "amount"))
    shape = tables["shape"].to_numpy()[:, :, stack.level]
    return cell_log_likelihood(stack, share, amount, shape)


def predictive_checks(
    posterior: Posterior, stack: StackedCells, rng: np.random.Generator
) -> tuple[Check, ...]:
    """Compare the counts with replicated cohorts; see `predictive_checks.spend_checks`."""
    tables = posterior.tree["posterior"]
    at = (slice(None), slice(None), stack.cohort, stack.level, stack.stratum)
    share, amount = (tables[part].to_numpy()[at].reshape(-1, len(stack.n)) for part in ("share", "amount"))
    shape = tables["shape"].to_numpy()[:, :, stack.level].reshape(share.shape)
    positive, total, squares = spend_replicates(share, amount + np.log(stack.unit), shape, stack.n, rng)
    observed = (stack.n, stack.positive, stack.unit * stack.total, stack.unit**2 * stack.squares)
    return spend_checks(stack.coding.levels, stack.level, observed, (positive, total, squares))


def refit_without(
    stack: StackedCells, effect: BayesEffect, *, seed: int, draws: int = 300, chains: int = 2
) -> Callable[[int], np.ndarray]:
    """Function for `loo_by_cell`: log density of a cell at each draw of the posterior without it.

    Parameters
    ----------
    stack : StackedCells
        The counts.
    effect : {"levels", "monotone"}
        Of the score.
    seed : int
        Of every refit.
    draws, chains : int
        Of each; as many draws again to tune.
    """

    def refit(cell: int) -> np.ndarray:
        again = sample_spend(_without(stack, cell), effect, seed=seed, draws=draws, tune=draws, chains=chains)
        return spend_log_likelihood(again, _only(stack, cell)).ravel()

    return refit


def _without(stack: StackedCells, cell: int) -> StackedCells:
    """The same counts with one cell empty, in the same units, so that densities are comparable."""
    keep = np.arange(len(stack.n)) != cell
    return replace(
        stack, n=stack.n * keep, positive=stack.positive * keep, total=stack.total * keep,
        squares=stack.squares * keep, log_total=stack.log_total * keep,
    )  # fmt: skip


def _only(stack: StackedCells, cell: int) -> StackedCells:
    at = slice(cell, cell + 1)
    return replace(
        stack, cohort=stack.cohort[at], level=stack.level[at], stratum=stack.stratum[at], n=stack.n[at],
        positive=stack.positive[at], total=stack.total[at], squares=stack.squares[at], log_total=stack.log_total[at],
    )  # fmt: skip
