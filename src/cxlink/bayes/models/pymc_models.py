"""The Bayesian models in PyMC, exactly on counts; the densities on counts are their compiled form.

`cxlink fit --bayes` samples the densities, which need no compiler; ``--sampler pymc`` samples these models, and what is
likely before any count is drawn from them. Equations and sources stand in `cxlink.bayes.models.hazard_posterior`,
`sbg_posterior` and `spend_posterior`, priors in `cxlink.bayes.priors`; the tests hold the two forms equal.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from cxlink.bayes.models.hurdle_gamma import PARTS
from cxlink.bayes.pooled_counts import BayesEffect, Coding, PooledPeriods
from cxlink.bayes.priors import (
    EFFECTS,
    POLARISATION,
    SPEND_PRIORS,
    Prior,
    by_name,
    hazard_priors,
    renewal_priors,
)
from cxlink.bayes.stacked_spend import StackedCells
from cxlink.cohort.strata import Category, stratum_variables

if TYPE_CHECKING:
    import pymc as pm


def hazard_model(pooled: PooledPeriods, per_year: int, *, waning: bool = False) -> "pm.Model":
    """`bayes` of retention; see `cxlink.bayes.models.hazard_posterior`.

    Parameters
    ----------
    pooled : PooledPeriods
        The counts.
    per_year : int
        Periods a year.
    waning : bool
        Whether the score's effect may wane.

    Returns
    -------
    pm.Model
        With ``log_survival`` of (cohort, level, stratum, period), and ``lost``, binomial, observed.
    """
    import pymc as pm
    import pytensor.tensor as pt

    priors, periods = by_name(hazard_priors(per_year)), np.arange(1, pooled.at_risk.shape[-1] + 1)
    with pm.Model(coords={**_coords(pooled.coding), "period": periods, "later_period": periods[1:]}) as model:
        path = pt.zeros(1)
        if len(periods) > 1:
            steps = pm.Normal("walk_steps", 0.0, _variable(priors["spread_walk"]), dims="later_period")
            path = pt.concatenate([path, pt.cumsum(steps)])
        path = pm.Deterministic("walk", path, dims="period")
        base, score = _predictor(pooled.coding, priors["intercept"])
        left = pt.ones(len(periods))
        if waning:
            half_life = pt.exp(_variable(priors["log_half_life"]))
            left = 2 ** (-(periods - 1) / half_life)
        hazard = pt.exp(path + base[:, None, :, None] + score[..., None] * left)
        _survival(-hazard)
        _losses(-pt.expm1(-hazard), pooled)
    return model


def renewal_model(pooled: PooledPeriods) -> "pm.Model":
    """`bayes_sbg`; see `cxlink.bayes.models.sbg_posterior`; returned as `hazard_model` is."""
    import pymc as pm
    import pytensor.tensor as pt

    priors, periods = by_name(renewal_priors()), np.arange(1, pooled.at_risk.shape[-1] + 1)
    with pm.Model(coords={**_coords(pooled.coding), "period": periods}) as model:
        free = Coding(pooled.coding.levels, pooled.coding.strata, pooled.coding.cohorts, "levels")
        shape_base, shape_score = _predictor(
            free, priors[f"intercept{POLARISATION}"], POLARISATION, crossed=False
        )
        base, score = _predictor(pooled.coding, priors["intercept"])
        mean, odds = pt.expit(base[:, None] + score), pt.exp(shape_base[:, None] + shape_score)
        hazard = mean[..., None] / (1 + (periods - 1) * odds[..., None])
        _survival(pt.log1p(-hazard))
        _losses(hazard, pooled)
    return model


def spend_model(stack: StackedCells, effect: BayesEffect = "levels") -> "pm.Model":
    """`bayes` of spend; see `cxlink.bayes.models.spend_posterior`.

    Parameters
    ----------
    stack : StackedCells
        The counts.
    effect : {"levels", "monotone"}
        Of the score.

    Returns
    -------
    pm.Model
        With ``share`` (logit p) and ``amount`` (log m, in units) of (cohort, level, stratum), ``shape`` (k) of
        (level), ``spenders``, binomial, observed, and the potential ``amounts``: the gamma's density of all amounts
        of each cell, which depends on them through Σy and Σlog y alone.
    """
    import pymc as pm
    import pytensor.tensor as pt

    priors, seen = by_name(SPEND_PRIORS), np.flatnonzero(stack.n)
    coding = Coding(stack.coding.levels, stack.coding.strata, stack.coding.cohorts, effect)
    with pm.Model(coords={**_coords(coding), "cell": seen}) as model:
        tables = []
        for part in PARTS:
            base, score = _predictor(coding, priors[f"intercept_{part}"], f"_{part}")
            tables.append(pm.Deterministic(part, base[:, None] + score, dims=("cohort", "level", "stratum")))
        log_k = _variable(priors["intercept_shape"]) + _zero_sum(
            "effect_shape", priors["spread_shape"], ("level",), coding
        )
        shape = pm.Deterministic("shape", pt.exp(log_k + pt.zeros(len(coding.levels))), dims="level")
        at = (stack.cohort[seen], stack.level[seen], stack.stratum[seen])
        share, amount, k = tables[0][at], tables[1][at], shape[at[1]]
        n, positive = stack.n[seen].astype(int), stack.positive[seen].astype(int)
        pm.Binomial("spenders", n=n, logit_p=share, observed=positive, dims="cell")
        spent = (k - 1) * stack.log_total[seen] - k * pt.exp(-amount) * stack.total[seen]
        pm.Potential("amounts", spent + positive * (k * (pt.log(k) - amount) - pt.gammaln(k)), dims="cell")
    return model


def _coords(coding: Coding) -> dict[str, Any]:
    """Names of cohorts, levels, strata, and of the steps between neighbouring levels."""
    strata = [
        ", ".join(
            Category(variable, value).label
            for variable, (_, value) in zip(stratum_variables(column for column, _ in one), one, strict=True)
        )
        or "all"
        for one in coding.strata
    ]
    pairs = zip(coding.levels[:-1], coding.levels[1:], strict=True)
    steps = [f"{one} to {other}" for one, other in pairs]
    return {"cohort": list(coding.cohorts), "level": list(coding.levels), "stratum": strata, "step": steps}


def _variable(prior: Prior, **shape: Any) -> Any:
    """A random variable with a stated prior."""
    import pymc as pm

    made = {"normal": pm.Normal, "gamma": pm.Gamma, "dirichlet": pm.Dirichlet}[prior.distribution]
    return made(prior.name, **{**prior.parameters, **shape})


def _zero_sum(name: str, spread: Prior, dims: tuple[str, ...], coding: Coding) -> Any:
    """Effects that sum to 0 over each dimension, with an estimated standard deviation; none for a single category."""
    import pymc as pm

    sizes = dict(zip(("cohort", "level", "stratum"), coding.shape, strict=True))
    if min(sizes[one] for one in dims) == 1:
        return np.zeros([sizes[one] for one in dims])
    return pm.ZeroSumNormal(name, sigma=_variable(spread), n_zerosum_axes=len(dims), dims=dims)


def _predictor(
    coding: Coding, intercept: Prior, ending: str = "", *, crossed: bool = True
) -> tuple[Any, Any]:
    """The two parts of a linear predictor, see `cxlink.bayes.models.partial_pooling`.

    Parameters
    ----------
    coding : Coding
        Cohorts, levels, strata, and the score's effect.
    intercept : Prior
        Of the intercept.
    ending : str
        Suffix of names, to distinguish two predictors.
    crossed : bool
        Whether the score's effect differs between strata and between cohorts.

    Returns
    -------
    base, score
        Of (cohort, stratum) and of (cohort, level, stratum).
    """
    import pymc as pm
    import pytensor.tensor as pt

    def effects(name: str, *dims: str) -> Any:
        return _zero_sum(f"effect_{name}{ending}", EFFECTS[f"spread_{name}"].called(ending), dims, coding)

    n_levels = len(coding.levels)
    base = _variable(intercept) + effects("cohort", "cohort")[:, None] + effects("stratum", "stratum")
    base = pm.Deterministic(f"baseline{ending}", base, dims=("cohort", "stratum"))
    if coding.effect == "monotone" and n_levels > 1:
        slope = _variable(EFFECTS["slope"].called(ending)) + pt.zeros(base.shape)
        if crossed:
            slope += effects("cohort_level", "cohort")[:, None] + effects("level_stratum", "stratum")
        steps = pt.ones(1)
        if n_levels > 2:
            prior = EFFECTS["steps"].called(ending)
            steps = _variable(prior, a=np.full(n_levels - 1, prior.scale), dims="step")
        rises = pt.concatenate([pt.zeros(1), pt.cumsum(steps)])
        position = pm.Deterministic(f"position{ending}", rises - rises.mean(), dims="level")
        score = slope[:, None] * position[:, None]
    else:
        score = effects("level", "level")[None, :, None] + pt.zeros(coding.shape)
        if crossed:
            score += effects("cohort_level", "cohort", "level")[..., None]
            score += effects("level_stratum", "level", "stratum")
    return base, pm.Deterministic(f"score{ending}", score, dims=("cohort", "level", "stratum"))


def _survival(steps: Any) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    pm.Deterministic("log_survival", pt.cumsum(steps, axis=-1), dims=("cohort", "level", "stratum", "period"))


def _losses(hazard: Any, pooled: PooledPeriods) -> None:
    """Losses of the cells with customers at risk."""
    import pymc as pm

    at = np.nonzero(pooled.at_risk)
    n, lost = pooled.at_risk[at].astype(int), pooled.lost[at].astype(int)
    pm.modelcontext(None).add_coord("cell", np.arange(len(n)))
    pm.Binomial("lost", n=n, p=hazard[at], observed=lost, dims="cell")
