"""Model checking of posteriors: convergence, replicated counts, cells left out, dependence on the priors."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from cxlink.bayes.assessment import convergence as bayes_checks
from cxlink.bayes.assessment import pointwise as bayes_pointwise
from cxlink.bayes.assessment.convergence import convergence, prior_sensitivity
from cxlink.bayes.assessment.leave_one_out import loo_by_cell
from cxlink.bayes.assessment.predictive_checks import loss_checks
from cxlink.bayes.draws.posterior_averages import averaged, averages_of
from cxlink.bayes.draws.posterior_curves import fitted, survival_of
from cxlink.bayes.draws.posterior_means import refit_without, spend_log_likelihood
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import PooledPeriods, bayes_effect, coding_from
from cxlink.bayes.stacked_spend import StackedCells
from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.bayesian.posterior_findings import bayes_findings, left_out_findings
from cxlink.estimands.bayesian.posterior_spend_rows import posterior_spend_findings

_REPLICATES = 1000
_REFIT: dict[str, Any] = {"draws": 250, "tune": 500}


def assess_retention(
    posterior: Posterior,
    pooled: PooledPeriods,
    spells: Spells,
    spec: CohortSpec,
    rng: np.random.Generator,
) -> list[Check]:
    """Check a posterior of retention: convergence, replicated losses, dependence on the priors, cells left out.

    Parameters
    ----------
    posterior : Posterior
        Of ``bayes`` or ``bayes_sbg``.
    pooled : PooledPeriods
        What it was sampled from.
    spells : Spells
        The cohort that is reported.
    spec : CohortSpec
        Its horizon and headline contrast.
    rng : Generator
        Advanced.

    Returns
    -------
    list of Check
    """
    some = _thinned(posterior)
    likelihood = bayes_pointwise.cell_log_likelihood(some, pooled)
    kept = bayes_pointwise.cell_log_kept(some, pooled)
    checks = (
        *convergence(posterior.tree),
        *_replicated(kept, pooled, rng),
        *prior_sensitivity(
            _asked(some, spells, spec, rng), bayes_pointwise.log_prior(some), likelihood.sum(axis=2)
        ),
    )

    def refit(cell: int) -> np.ndarray:
        again = fitted(
            bayes_pointwise.without(pooled, cell), posterior.name, posterior.about["per_year"],
            seed=int(rng.integers(2**31)), **_REFIT,
        )  # fmt: skip
        flat: np.ndarray = bayes_pointwise.cell_log_likelihood(again, pooled)[..., cell].ravel()
        return flat

    left_out = loo_by_cell(likelihood, refit)
    rows = bayes_findings(posterior.name, checks, "retention")
    return [*rows, *left_out_findings(posterior.name, left_out, "retention")]


def assess_spend(
    posterior: Posterior, stack: StackedCells, counts: Counts, spells: Spells, rng: np.random.Generator
) -> list[Check]:
    """Check a posterior of spend as `posterior_spend_findings` does, and leave cells out."""
    rows = posterior_spend_findings(posterior, stack, counts, spells, rng)
    some = _thinned(posterior)
    likelihood = spend_log_likelihood(some, stack)
    cells = np.flatnonzero(stack.n > 0)
    effect = bayes_effect(counts.spec.score.effect)
    again = refit_without(stack, effect, seed=int(rng.integers(2**31)))
    left_out = loo_by_cell(likelihood[..., cells], lambda cell: again(int(cells[cell])))
    return [*rows, *left_out_findings(posterior.name, left_out, "spend")]


def _thinned(posterior: Posterior) -> Posterior:
    tree = bayes_checks.thinned(posterior.tree, _REPLICATES)
    return Posterior(posterior.name, tree, posterior.about)


def _replicated(kept: np.ndarray, pooled: PooledPeriods, rng: np.random.Generator) -> tuple[Check, ...]:
    """Losses by level beside those of replicated cohorts; of the last cohort, which is reported."""
    cohort, level, stratum, period = bayes_pointwise.cells_of(pooled)
    mine = np.flatnonzero(cohort == len(pooled.coding.cohorts) - 1)
    rows, row = np.unique(np.column_stack([level[mine], stratum[mine]]), axis=0, return_inverse=True)
    shape = (len(rows), pooled.at_risk.shape[-1])
    at_risk, lost = np.zeros(shape), np.zeros(shape)
    hazard = np.zeros((len(kept), *shape))
    at = (row.ravel(), period[mine])
    source = tuple(index[mine] for index in (cohort, level, stratum, period))
    at_risk[at], lost[at] = pooled.at_risk[source], pooled.lost[source]
    hazard[:, *at] = -np.expm1(kept[:, mine])
    return loss_checks(pooled.coding.levels, rows[:, 0], at_risk, lost, [hazard], rng=rng)


def _asked(
    posterior: Posterior, spells: Spells, spec: CohortSpec, rng: np.random.Generator
) -> Mapping[tuple[str, str], np.ndarray]:
    """Retention of the headline's sides at the horizon, and their difference, by chain and draw."""
    sizes = posterior.tree["posterior"].sizes
    averages = averages_of(spells, spec, coding_from(posterior.about["coding"]))[-1]
    latest = max(int(standard.entry.max(initial=0)) for standard in averages.standards)
    survival = survival_of(posterior, latest + spec.horizon, rng)
    kept = averaged(survival, averages, np.array([0, spec.horizon]))[..., 1]
    names = [standard.group for standard in averages.standards]
    sides = [side for side in spec.contrast(spec.analysis.contrasts[0]) if side in names] or ["all"]
    found = {(side, ""): kept[:, names.index(side)] for side in sides}
    if len(sides) == 2:
        found[sides[0], sides[1]] = found[sides[0], ""] - found[sides[1], ""]
    return {name: values.reshape(sizes["chain"], sizes["draw"]) for name, values in found.items()}
