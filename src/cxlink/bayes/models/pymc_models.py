"""The Bayesian models of retention as PyMC writes them: for draws from the priors, and to hold the fast densities to.

They are the models of `bayes_hazard` and `bayes_sbg`, term by term. Sampling takes the same densities written in
arrays: they need no compiler, which takes longer than the sampling; the tests hold the two equal.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from cxlink.bayes.models.hazard_posterior import hazard_likelihood
from cxlink.bayes.models.partial_pooling import EffectBlock, Effects
from cxlink.bayes.models.sbg_posterior import renewal_likelihood
from cxlink.bayes.pooled_counts import PooledPeriods
from cxlink.bayes.priors import EFFECTS, POLARISATION

if TYPE_CHECKING:
    import pymc as pm


def hazard_model(pooled: PooledPeriods, per_year: int, *, waning: bool = False) -> "pm.Model":
    """Write `bayes` down, see `cxlink.bayes.models.hazard_posterior`.

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
        With ``log_survival`` of (n_cohorts, n_levels, n_strata, n_periods), and ``lost``, binomial, observed.
    """
    import pymc as pm
    import pytensor.tensor as pt

    made = hazard_likelihood(pooled, per_year, waning=waning)
    n_periods, n_steps = made.walk.shape
    with pm.Model() as model:
        first = made.blocks[: 1 if n_steps else 0]
        path = pm.Deterministic("walk", made.walk @ _normal(first[0]) if first else pt.zeros(n_periods))
        base, score = _parts(made.every, pooled)
        left = pt.ones(n_periods)
        if made.half_life is not None:
            half_life = pt.exp(pm.Normal("log_half_life", **made.half_life.parameters))
            left = pt.exp(-np.log(2) * np.arange(n_periods) / half_life)
        hazard = pt.exp(path + base[..., None] + score[..., None] * left)
        pm.Deterministic("log_survival", -pt.cumsum(hazard, axis=-1))
        _observe(-pt.expm1(-hazard), pooled)
    return model


def renewal_model(pooled: PooledPeriods) -> "pm.Model":
    """Write `bayes_sbg` down, see `cxlink.bayes.models.sbg_posterior`; returned as `hazard_model` is."""
    import pymc as pm
    import pytensor.tensor as pt

    made = renewal_likelihood(pooled)
    with pm.Model() as model:
        shape = sum(_parts(made.every_shape, pooled, POLARISATION))
        churn = sum(_parts(made.every, pooled))
        later = np.arange(pooled.at_risk.shape[-1])
        hazard = pt.expit(churn)[..., None] / (1 + later * pt.exp(shape)[..., None])
        pm.Deterministic("log_survival", pt.cumsum(pt.log1p(-hazard), axis=-1))
        _observe(hazard, pooled)
    return model


def _observe(hazard: Any, pooled: PooledPeriods) -> None:
    import pymc as pm

    seen = pooled.at_risk > 0
    at_risk, lost = pooled.at_risk[seen].astype(int), pooled.lost[seen].astype(int)
    pm.Binomial("lost", n=at_risk, p=hazard[np.nonzero(seen)], observed=lost)


def _spread(block: EffectBlock) -> Any:
    import pymc as pm

    return pm.Gamma(block.spread, **block.prior.parameters) if block.spread else block.sd


def _normal(block: EffectBlock, after: str = "") -> Any:
    import pymc as pm

    return pm.Normal(f"{block.name}{after}_", 0.0, _spread(block), shape=block.width)


def _parts(effects: Effects, pooled: PooledPeriods, after: str = "") -> tuple[Any, Any]:
    """Base and score of every cohort, level and stratum."""
    import pymc as pm
    import pytensor.tensor as pt

    n_levels, position = effects.n_levels, pt.ones(effects.n_levels)
    columns = []
    for block in effects.blocks:
        if block.simplex:
            columns.append(pt.zeros(block.width))
        else:
            columns.append(_normal(block, after))
    if effects.steps is not None:
        steps = (
            pm.Dirichlet("steps", np.full(n_levels - 1, EFFECTS["steps"].scale))
            if n_levels > 2
            else pt.ones(1)
        )
        rises = pt.concatenate([pt.zeros(1), pt.cumsum(steps)])
        position = pm.Deterministic(f"position{after}", rises - rises.mean())
    v = pt.concatenate(columns)
    base = pt.reshape(effects.mean + effects.base @ v, pooled.coding.shape)
    score = pt.reshape((effects.score @ v) * position[effects.level], pooled.coding.shape)
    pm.Deterministic(f"baseline{after}", base[:, 0])
    return base, pm.Deterministic(f"score{after}", score)
