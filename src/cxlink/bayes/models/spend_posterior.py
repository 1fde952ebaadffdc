"""`bayes` of spend: a hurdle and a gamma on the cells, with effects that borrow from one another.

A customer spends anything with probability p, and then an amount with mean m and shape k; p and m by score level,
stratum and cohort with the effects of `bayes_effects`, k by level. The cells' n, n₀, Σy and Σlog y are sufficient, so
that the posterior is the one from the rows.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import expit

from cxlink.bayes.draws.sampling import LogDensity, Posterior, sample
from cxlink.bayes.models.density import conditioned, density_of
from cxlink.bayes.models.hurdle_gamma import PARTS, HurdleGamma
from cxlink.bayes.models.partial_pooling import (
    EffectBlock,
    effects_of,
    predictor,
)
from cxlink.bayes.pooled_counts import BayesEffect, zero_sum
from cxlink.bayes.priors import EFFECTS, SPEND_PRIORS, Prior, by_name
from cxlink.bayes.stacked_spend import StackedCells

NAME = "bayes"


def priors_of(names: tuple[str, ...]) -> dict[str, Prior]:
    """The prior of each variable of a posterior of spend that has one of its own: no effects with a learnt spread."""
    known = by_name(SPEND_PRIORS)
    bare = {name: next((name.removesuffix(f"_{part}") for part in PARTS if name.endswith(f"_{part}")), name)
            for name in names}  # fmt: skip
    return {
        name: known.get(name) or known[bare[name]] for name in names if name in known or bare[name] in known
    }


def hurdle_gamma(stack: StackedCells, effect: BayesEffect = "levels") -> HurdleGamma:
    """Lay the cells out on the grid of every cohort, level and stratum.

    Parameters
    ----------
    stack : StackedCells
        The counts.
    effect : {"levels", "monotone"}
        Of the score.
    """
    coding = replace(stack.coding, effect=effect)
    n_levels = len(coding.levels)
    sums = {name: np.zeros(coding.shape) for name in ("n", "positive", "total", "log_total")}
    for name, grid in sums.items():
        np.add.at(grid, (stack.cohort, stack.level, stack.stratum), getattr(stack, name))
    priors = by_name(SPEND_PRIORS)
    share, amount = (predictor(effects_of(coding, priors[f"intercept_{part}"], f"_{part}")) for part in PARTS)
    shape = np.hstack([np.ones((n_levels, 1)), zero_sum(n_levels)])
    spenders, log_total = (sums[name].sum(axis=(0, 2)) for name in ("positive", "log_total"))
    n, positive, total = (sums[name].ravel() for name in ("n", "positive", "total"))
    return HurdleGamma(coding, share, amount, shape, n, positive, total, spenders, log_total)


def spend_density(stack: StackedCells, effect: BayesEffect = "levels") -> LogDensity:
    """Write the posterior of spend down, for `sampling.sample`; see `hurdle_gamma`."""
    return density_of(conditioned(hurdle_gamma(stack, effect)))


def sample_spend(
    stack: StackedCells,
    effect: BayesEffect = "levels",
    *,
    seed: int,
    draws: int = 1000,
    tune: int = 1000,
    chains: int = 4,
    cores: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Posterior:
    """Draw from the posterior of spend; see `hurdle_gamma` and `sampling.sample`."""
    about = {"coding": replace(stack.coding, effect=effect).as_dict(), "outcome": "spend", "unit": stack.unit}
    return sample(
        spend_density(stack, effect), NAME, seed=seed, draws=draws, tune=tune, chains=chains, cores=cores,
        progress=progress, about=about,
    )  # fmt: skip


def prior_tables(
    stack: StackedCells, effect: BayesEffect, n_draws: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw what a posterior holds from the priors, before any count is seen.

    Parameters
    ----------
    stack : StackedCells
        Its cohorts, levels and strata alone.
    effect : {"levels", "monotone"}
        Of the score.
    n_draws : int
        How many.
    rng : Generator
        Advanced.

    Returns
    -------
    dict of str to ndarray
        ``share`` (logit p) and ``amount`` (log m, in units) of shape (n_draws, n_cohorts, n_levels, n_strata),
        ``shape`` (k) of shape (n_draws, n_levels), and the learnt spreads of shape (n_draws,).
    """
    made = hurdle_gamma(stack, effect)
    spreads = {block.spread: block.prior.draw(rng, n_draws)[:, None] for block in made.blocks if block.spread}
    v = np.hstack([_from_prior(block, spreads, n_draws, rng) for block in made.blocks])
    share, amount, log_k = made.predictors(v)
    grid = (n_draws, *stack.coding.shape)
    tables = {"share": share.reshape(grid), "amount": amount.reshape(grid), "shape": np.exp(log_k)}
    return {**tables, **{name: drawn[:, 0] for name, drawn in spreads.items()}}


def prior_spend(
    stack: StackedCells, effect: BayesEffect, n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw mean spend from the priors: p·m in the spec's currency, (n_draws, n_cohorts, n_levels, n_strata).

    All it knows of the counts is the mean of all who spent, which is the unit. See `prior_tables`.
    """
    drawn = prior_tables(stack, effect, n_draws, rng)
    found: np.ndarray = stack.unit * expit(drawn["share"]) * np.exp(drawn["amount"])
    return found


def _from_prior(
    block: EffectBlock, spreads: dict[str, np.ndarray], n_draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Coefficients of a block, (n_draws, width)."""
    if block.simplex:
        steps = rng.dirichlet(np.full(block.width + 1, EFFECTS["steps"].scale), n_draws)
        ratios: np.ndarray = np.log(np.maximum(steps, np.finfo(float).tiny)) @ zero_sum(block.width + 1)
        return ratios
    return rng.standard_normal((n_draws, block.width)) * spreads.get(block.spread, block.sd)
