"""`bayes` of spend: a hurdle and a gamma on the cells, with partially pooled effects.

A customer spends anything with probability p, and then an amount with mean m and shape k; p and m by score level,
stratum and cohort with the effects of `partial_pooling`, k by level. The cells' n, n₀, Σy and Σlog y are sufficient, so
that the posterior is the one from the rows.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.bayes.draws.sampling import NUTPIE, PYMC, LogDensity, Posterior, sample
from cxlink.bayes.models.density import conditioned, density_of
from cxlink.bayes.models.effect_layout import effects_of
from cxlink.bayes.models.hurdle_gamma import PARTS, HurdleGamma
from cxlink.bayes.models.partial_pooling import predictor
from cxlink.bayes.pooled_counts import BayesEffect, zero_sum
from cxlink.bayes.priors import SPEND_PRIORS, Prior, by_name
from cxlink.bayes.stacked_spend import StackedCells

NAME = "bayes"


def priors_of(names: tuple[str, ...]) -> dict[str, Prior]:
    """The prior of each variable of a posterior of spend with one of its own (effects have none)."""
    priors = by_name(SPEND_PRIORS)
    by_part = {f"{name}_{part}": prior for name, prior in priors.items() for part in PARTS}
    every = {**by_part, **priors}
    return {name: every[name] for name in names if name in every}


def hurdle_gamma(stack: StackedCells, effect: BayesEffect = "levels") -> HurdleGamma:
    """The likelihood of the cells, on the grid of every cohort, level and stratum.

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
    """Log density of the posterior of spend, for `sampling.sample`; see `hurdle_gamma`."""
    return density_of(conditioned(hurdle_gamma(stack, effect)))


def sample_spend(
    stack: StackedCells,
    effect: BayesEffect = "levels",
    *,
    seed: int,
    sampler: str = NUTPIE,
    **sampling: Any,
) -> Posterior:
    """Draw from the posterior of spend.

    Parameters
    ----------
    stack : StackedCells
        The counts.
    effect : {"levels", "monotone"}
        Of the score.
    seed : int
        Of the draws.
    sampler : {"nutpie", "pymc"}
        Of the density on counts, or of the model as PyMC writes it.
    **sampling
        Further arguments of `cxlink.bayes.draws.sampling.sample`.
    """
    about = {"coding": replace(stack.coding, effect=effect).as_dict(), "outcome": "spend", "unit": stack.unit}
    density = spend_density(stack, effect)
    model: Any = density
    if sampler == PYMC:
        from cxlink.bayes.models.pymc_models import spend_model

        model = spend_model(stack, effect)
    return sample(model, NAME, seed=seed, about=about, names=tuple(density.shapes), **sampling)
