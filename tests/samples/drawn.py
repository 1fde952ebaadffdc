"""Person-periods with a known truth, laid out for the Bayesian models, and short runs on them."""

import numpy as np
import pandas as pd
from scipy.special import softmax

from cxlink.bayes.models.density import Conditioned, coefficients
from cxlink.bayes.models.partial_pooling import EffectBlock
from cxlink.bayes.pooled_counts import BayesEffect, PooledPeriods, pool
from cxlink.cohort.count.spells import PersonPeriods

LEVELS = (1, 2, 3, 4, 5)


def periods_of(hazard: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> PersonPeriods:
    """Customers (n_levels, n_strata) followed through hazards (n_levels, n_strata, n_periods)."""
    at_risk, lost = np.zeros(hazard.shape, np.int64), np.zeros(hazard.shape, np.int64)
    left = n.astype(np.int64)
    for t in range(hazard.shape[2]):
        at_risk[..., t] = left
        lost[..., t] = rng.binomial(left, hazard[..., t])
        left = left - lost[..., t]
    level, stratum = (x.ravel() for x in np.indices(n.shape))
    strata = (
        pd.DataFrame({"stratum.plan": list("abcdefgh")[: n.shape[1]]})
        if n.shape[1] > 1
        else pd.DataFrame(index=range(1))
    )
    shape = (-1, hazard.shape[2])
    levels = LEVELS[: n.shape[0]]
    return PersonPeriods(levels, strata, level, stratum, at_risk.reshape(shape), lost.reshape(shape))


def cloglog_cohort(
    n: int, strata: int = 1, periods: int = 6, seed: int = 1, steps: tuple[float, ...] = (0.5, 0.3, 0.0, -0.2, -0.6)
) -> PersonPeriods:  # fmt: skip
    """Losses whose log cumulative hazard is a sum of period, level and stratum, with a mild interaction."""
    rng = np.random.default_rng(seed)
    effects = (
        np.array(steps)[:, None] + 0.3 * np.arange(strata) + 0.1 * rng.standard_normal((len(steps), strata))
    )
    path = -2.2 - 0.1 * np.arange(periods)
    hazard = -np.expm1(-np.exp(effects[..., None] + path))
    share = rng.dirichlet(np.full(len(steps) * strata, 5.0)).reshape(len(steps), strata)
    return periods_of(hazard, np.round(n * share), rng)


def two_cohorts(effect: BayesEffect) -> PooledPeriods:
    """Two small cohorts, the younger with fewer periods and strata."""
    older, younger = cloglog_cohort(400, strata=3), cloglog_cohort(150, strata=2, periods=3, seed=2)
    return pool({"older": older, "younger": younger}, effect)


def anywhere(made: Conditioned, seed: int) -> np.ndarray:
    """A point that a sampler might come by."""
    rng = np.random.default_rng(seed)
    n_spreads, n_extra = len(made.spreads), len(made.likelihood.extras)
    x = 0.5 * rng.standard_normal(n_spreads + n_extra + len(made.natural))
    x[:n_spreads] += np.log(made.means)
    return x


def as_pymc_has_it(
    made: Conditioned, blocks: tuple[EffectBlock, ...], x: np.ndarray, steps: np.ndarray | None, ends: dict[int, str]
) -> tuple[dict[str, np.ndarray], float]:  # fmt: skip
    """The variables of the PyMC model at a sampler's point, and what change of variables adds to the log density.

    ``blocks`` and ``steps`` are those before turning; ``ends`` gives the ending of names from a coefficient on.
    """
    n_spreads, n_extra = len(made.spreads), len(made.likelihood.extras)
    u, extra, z = np.split(x, [n_spreads, n_spreads + n_extra])
    v = made.turn @ coefficients(made, u, z)
    p = (
        made.information
        + made.fixed
        + np.where(made.group >= 0, np.exp(-2 * np.append(u, 0.0)[made.group]), 0.0)
    )
    added = -0.5 * float(np.log(p).sum()) + float(u.sum())
    found = dict(zip(made.spreads, np.exp(u), strict=True))
    start, after = 0, ""
    for block in blocks:
        after = ends.get(start, after)
        part = v[start : start + block.width]
        start += block.width
        if block.simplex:
            found["steps"] = softmax(steps @ part)
            added += float(np.log(found["steps"]).sum())
        else:
            found[f"{block.name}{after}_"] = part
    for (mean, sd), one in zip(made.likelihood.extras, extra, strict=True):
        found["log_half_life"] = mean + sd * one
    return found, added


def pymc_log_density(model: object, values: dict[str, np.ndarray]) -> float:
    """Log density of a PyMC model in its own variables, without Jacobians, evaluated without a compiler."""
    import pytensor
    from pytensor.compile.mode import Mode

    plain = Mode(linker="py", optimizer="fast_compile")
    point = {}
    for variable, value in model.rvs_to_values.items():
        if variable in model.observed_RVs:
            continue
        transform, given = model.rvs_to_transforms[variable], values[variable.name]
        if transform is not None:
            given = transform.forward(pytensor.tensor.as_tensor(given), *variable.owner.inputs).eval(
                mode=plain
            )
        point[value.name] = np.asarray(given)
    return float(model.compile_logp(jacobian=False, mode=plain)(point))
