"""Posteriors from counts: cxlink's densities beside the PyMC models that they are the compiled form of."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Measured, timed

LEVELS, STRATA, PERIODS = 10, 20, 60
FULL: dict[str, Any] = {"draws": 1000, "tune": 1000, "chains": 4}
SHORT: dict[str, Any] = {"draws": 100, "tune": 100, "chains": 4}
FEW = 10_000


def _cohort(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Customers lost in each period (n_levels, n_strata, n_periods), and left at the end (n_levels, n_strata)."""
    rng = np.random.default_rng(1)
    effect = np.linspace(0.5, -0.5, LEVELS)[:, None] + np.linspace(-0.3, 0.3, STRATA)
    hazard = -np.expm1(-np.exp(effect[..., None] - 3.0 - 0.02 * np.arange(PERIODS)))
    alive = np.cumprod(1 - hazard, axis=-1)
    chances = np.concatenate([-np.diff(alive, prepend=1.0), alive[..., -1:]], axis=-1)
    n = rng.multinomial(size, np.full(LEVELS * STRATA, 1 / (LEVELS * STRATA))).reshape(LEVELS, STRATA)
    gone = rng.multinomial(n, chances)
    return gone[..., :-1], gone[..., -1]


def _pooled(size: int) -> Any:
    from cxlink.bayes.pooled_counts import pool
    from cxlink.cohort.count.spells import PersonPeriods

    lost, left = _cohort(size)
    at_risk = np.cumsum(np.concatenate([lost, left[..., None]], axis=-1)[..., ::-1], axis=-1)[..., :0:-1]
    level, stratum = (x.ravel() for x in np.indices((LEVELS, STRATA)))
    strata = pd.DataFrame({"stratum.plan": [f"{k:02d}" for k in range(STRATA)]})
    levels = tuple(range(1, LEVELS + 1))
    cells = (at_risk.reshape(-1, PERIODS), lost.reshape(-1, PERIODS))
    return pool({"cohort": PersonPeriods(levels, strata, level, stratum, *cells)})


def ours(size: int, model: str, short: bool) -> dict[str, Measured]:
    """Sample from the counts of so many customers, once."""
    from cxlink.bayes.assessment.convergence import convergence
    from cxlink.bayes.draws.posterior_curves import fitted

    pooled, found, asked = _pooled(size), Measured(), SHORT if short else FULL
    posterior = timed(lambda: fitted(pooled, model, 12, seed=1, **asked), found)
    worst = {check.code: check.value for check in convergence(posterior.tree)}
    judged = f"least effective draws {worst['ess_bulk']:,.0f}, {worst['divergences']:.0f} divergent"
    note = f"{_draws(asked)}; nothing to compile; {judged}"
    return {"ours": replace(found, note=note)}


def in_pymc(size: int, model: str) -> dict[str, Measured]:
    """Sample the PyMC model of the same counts with nutpie, once; compiling is timed apart."""
    import nutpie

    from cxlink.bayes.models.pymc_models import hazard_model, renewal_model

    pooled = _pooled(size)
    written = hazard_model(pooled, 12) if model == "bayes" else renewal_model(pooled)
    compiling, found = Measured(), Measured()
    compiled = timed(lambda: nutpie.compile_pymc_model(written), compiling)
    timed(
        lambda: nutpie.sample(compiled, seed=1, progress_bar=False, save_warmup=False, **SHORT),
        found,
    )
    return {"pymc": replace(found, note=f"{_draws(SHORT)}; after {compiling.typical:.0f} s of compiling")}


def _draws(asked: dict[str, Any]) -> str:
    return f"{asked['chains']} chains of {asked['tune']:,} + {asked['draws']:,}"
