"""Posteriors: cxlink's from counts, and the same models written customer by customer in PyMC, sampled by nutpie."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Measured, timed

LEVELS, STRATA, PERIODS = 10, 20, 60
FULL: dict[str, Any] = {"draws": 1000, "tune": 1000, "chains": 4}
SHORT: dict[str, Any] = {"draws": 100, "tune": 100, "chains": 4}
BY_ROWS = 10_000


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
    worst = {check.quantity: check.value for check in convergence(posterior.tree)}
    judged = f"least effective draws {worst['ess_bulk']:,.0f}, {worst['divergences']:.0f} divergent"
    note = f"{_draws(asked)}; nothing to compile; {judged}"
    return {"ours": replace(found, note=note)}


def by_rows(model: str) -> dict[str, Measured]:
    """Sample the same model written over the rows of 10,000 customers, once; compiling is timed apart."""
    import nutpie

    written, n_rows = (_person_periods if model == "bayes" else _renewals)()
    compiling, found = Measured(), Measured()
    compiled = timed(lambda: nutpie.compile_pymc_model(written), compiling)
    timed(
        lambda: nutpie.sample(compiled, seed=1, progress_bar=False, save_warmup=False, **SHORT),
        found,
    )
    note = f"{_draws(SHORT)}; {n_rows:,} rows; after {compiling.typical:.0f} s of compiling"
    return {"rows": replace(found, note=note)}


def _draws(asked: dict[str, Any]) -> str:
    return f"{asked['chains']} chains of {asked['tune']:,} + {asked['draws']:,}"


def _without_counts() -> Any:
    """The same grid with next to nothing in it: priors alone."""
    pooled = _pooled(BY_ROWS)
    at_risk, lost = np.zeros_like(pooled.at_risk), np.zeros_like(pooled.lost)
    at_risk[0, 0, 0, 0] = 1
    return replace(pooled, at_risk=at_risk, lost=lost)


def _person_periods() -> tuple[Any, int]:
    """A Bernoulli of every month of every customer."""
    import pymc as pm
    import pytensor.tensor as pt

    from cxlink.bayes.models.pymc_models import hazard_model

    pooled = _pooled(BY_ROWS)
    cells = np.argwhere(pooled.at_risk > 0)
    r, d = (x[tuple(cells.T)].astype(int) for x in (pooled.at_risk, pooled.lost))
    row = np.repeat(np.arange(len(cells)), r)
    gone = np.concatenate([np.arange(n) < k for n, k in zip(r, d, strict=True)])
    written = hazard_model(_without_counts(), 12)
    with written:
        log_survival = written["log_survival"]
        before = pt.concatenate([pt.zeros_like(log_survival[..., :1]), log_survival[..., :-1]], axis=-1)
        at = tuple(cells[row].T)
        pm.Bernoulli("gone", p=-pt.expm1((log_survival - before)[at]), observed=gone)
    return written, len(row)


def _renewals() -> tuple[Any, int]:
    """The law of every customer's last month, one term each."""
    import pymc as pm
    import pytensor.tensor as pt

    from cxlink.bayes.models.pymc_models import renewal_model

    lost, left = _cohort(BY_ROWS)
    cells = np.argwhere(np.concatenate([lost, left[..., None]], axis=-1) > 0)
    n = np.concatenate([lost, left[..., None]], axis=-1)[tuple(cells.T)]
    level, stratum, last = cells[np.repeat(np.arange(len(cells)), n)].T
    written = renewal_model(_without_counts())
    with written:
        log_survival = written["log_survival"][0]
        whole = pt.concatenate([pt.zeros_like(log_survival[..., :1]), log_survival], axis=-1)
        stayed = whole[level, stratum, np.minimum(last, PERIODS)]
        until = whole[level, stratum, np.minimum(last + 1, PERIODS)]
        lost_then = stayed + pt.log(-pt.expm1(pt.minimum(until - stayed, -1e-12)))
        pm.Potential("customers", pt.where(last < PERIODS, lost_then, stayed).sum())
    return written, len(level)
