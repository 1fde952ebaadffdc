"""What checks ask of the posteriors of retention: each cell's likelihood, and the priors' density, by draw."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.special import gammaln

from cxlink.bayes.draws.posterior_curves import survival_of
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models import hazard_posterior as bayes_hazard
from cxlink.bayes.pooled_counts import PooledPeriods, coding_from
from cxlink.bayes.priors import POLARISATION, by_name, hazard_priors, renewal_priors


def cells_of(pooled: PooledPeriods) -> tuple[np.ndarray, ...]:
    """Positions (cohort, level, stratum, period) of the cells with customers at risk, (n_cells,) each."""
    return np.nonzero(pooled.at_risk > 0)


def cell_log_kept(posterior: Posterior, pooled: PooledPeriods) -> np.ndarray:
    """log(1 − hazard) of each cell at each draw, (n_draws, n_cells): Δ log S."""
    log_retained = np.empty((posterior.n_draws, len(cells_of(pooled)[0])))
    for draws, cells, kept in kept_blocks(posterior, pooled):
        log_retained[draws, cells] = kept
    return log_retained


def kept_blocks(
    posterior: Posterior, pooled: PooledPeriods
) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """Give log(1 − hazard) in blocks: which draws, which of the cells, and (n_draws, n_cells) of them."""
    coding = coding_from(posterior.about["coding"])
    n_periods = pooled.at_risk.shape[-1]
    cohort, level, stratum, period = cells_of(pooled)
    # nothing is drawn here: neither a new cohort nor periods beyond follow-up
    unused = np.random.default_rng(0)
    for c, name in enumerate(coding.cohorts):
        mine = np.flatnonzero(cohort == c)
        survival = survival_of(posterior, n_periods, unused, cohort=name)
        pairs, at = np.unique(np.column_stack([level[mine], stratum[mine]]), axis=0, return_inverse=True)
        step = max(1, 4_000_000 // max(len(pairs) * (n_periods + 1), 1))
        for start in range(0, posterior.n_draws, step):
            some = slice(start, start + step)
            fall = survival.log_survival(some, (pairs[:, 0], pairs[:, 1]), np.arange(n_periods + 1))
            yield some, mine, np.diff(fall, axis=-1)[:, at.ravel(), period[mine]]


def cell_log_likelihood(posterior: Posterior, pooled: PooledPeriods) -> np.ndarray:
    """Log probability of each cell's losses, binomial coefficient included: (n_chains, n_draws, n_cells)."""
    log_retained = cell_log_kept(posterior, pooled)
    at = cells_of(pooled)
    r, d = pooled.at_risk[at], pooled.lost[at]
    ways = gammaln(r + 1) - gammaln(d + 1) - gammaln(r - d + 1)
    with np.errstate(divide="ignore"):
        gone = np.where(d > 0, d * np.log(-np.expm1(np.minimum(log_retained, -1e-300))), 0.0)
    log_likelihood: np.ndarray = ways + gone + np.where(r > d, (r - d) * log_retained, 0.0)
    sizes = posterior.tree["posterior"].sizes
    return log_likelihood.reshape(sizes["chain"], sizes["draw"], -1)


def log_prior(posterior: Posterior) -> np.ndarray:
    """Log density of the fixed priors: of standard deviations, intercepts, slope, half-life; (n_chains, n_draws).

    Effects given their standard deviation are left out: scaling them too would scale the hierarchy twice.
    """
    tree = posterior.tree["posterior"]
    hazard = posterior.name == bayes_hazard.MODEL
    priors = by_name(hazard_priors(posterior.about["per_year"]) if hazard else renewal_priors())
    deviations = {name: prior for name, prior in priors.items() if prior.distribution == "gamma"}
    intercepts = {
        f"baseline{part}": priors[f"intercept{part}"]
        for part in ("", POLARISATION)
        if f"intercept{part}" in priors
    }
    total = np.zeros((tree.sizes["chain"], tree.sizes["draw"]))
    for name in (str(one) for one in tree.data_vars):
        if name in deviations:
            total += deviations[name].log_density(tree[name].to_numpy())
        elif name in intercepts:
            # effects sum to 0, so that the mean over cohorts and strata is the intercept
            total += intercepts[name].log_density(tree[name].to_numpy().mean(axis=(2, 3)))
    if "position" in tree:
        score = tree["score"].to_numpy().mean(axis=(2, 4))
        total += priors["slope"].log_density(score[..., -1] - score[..., 0])
        total += priors["steps"].log_density(np.diff(tree["position"].to_numpy(), axis=-1)).sum(axis=-1)
    if "log_half_life" in tree:
        total += priors["log_half_life"].log_density(tree["log_half_life"].to_numpy())
    return total


def without(pooled: PooledPeriods, cell: int) -> PooledPeriods:
    """The same counts without one cell, by its position in `cells_of`."""
    at = tuple(index[cell] for index in cells_of(pooled))
    at_risk, lost = pooled.at_risk.copy(), pooled.lost.copy()
    at_risk[at] = lost[at] = 0
    return replace(pooled, at_risk=at_risk, lost=lost)
