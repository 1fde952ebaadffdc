"""Posterior draws of spend become rows, and what stands behind them findings."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.bayes.assessment.convergence import convergence, log_prior, prior_sensitivity
from cxlink.bayes.draws.posterior_means import (
    posterior_means,
    predictive_checks,
    spend_draws,
    spend_log_likelihood,
)
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.models.spend_posterior import NAME, priors_of
from cxlink.bayes.stacked_spend import StackedCells
from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.estimands.bayesian.posterior_findings import bayes_findings
from cxlink.estimands.spend_estimands import spend_rows
from cxlink.spend.fitted_regressions import NoSpendFit
from cxlink.spend.standardised_means import spend_question

Row = dict[str, Any]


def posterior_spend_rows(
    posterior: Posterior,
    counts: Counts,
    spells: Spells,
    spent: np.ndarray,
    *,
    scenario: str = "",
    centre: Callable[..., np.ndarray] = np.mean,
) -> list[Row]:
    """Give ``spend``, ``spend_difference`` and ``spend_ratio`` of the posterior.

    They are standardised over all strata, as the other models of spend are; not adjusted where there is nothing to
    standardise over. The point estimate is the posterior mean, of a ratio the ratio of the two.

    Parameters
    ----------
    posterior : Posterior
        Of `cxlink.bayes.models.spend_posterior.sample_spend`, sampled now or read back.
    counts : Counts
        The cohort that is reported: its groups and weights.
    spells : Spells
        Of the same counts.
    spent : ndarray of shape (n_draws, n_levels, n_strata)
        Its draws: see `bayes_spend_posterior.spend_draws`.
    scenario : str
        What differs from the main analysis.
    centre : callable
        Turns draws into point estimates: `numpy.mean`, or `numpy.median` where the distribution has no mean.

    Returns
    -------
    list of dict
        Rows of the estimates table.
    """
    means = posterior_means(posterior, spend_question(counts, spells), spells.strata, spent)
    labels = {**means.labels, "scenario": scenario}
    shown = replace(means, labels=labels, point=centre(means.draws, axis=0))
    return spend_rows(shown, counts.spec)


def posterior_spend_findings(
    posterior: Posterior, stack: StackedCells, counts: Counts, spells: Spells, rng: np.random.Generator
) -> list[Check]:
    """Check a posterior of spend: convergence, replicated counts, dependence on the priors.

    Parameters
    ----------
    posterior : Posterior
        Of `stack`.
    stack : StackedCells
        What was sampled; the cohort that is reported is its last.
    counts, spells : Counts, Spells
        Of that cohort.
    rng : Generator
        Advanced.

    Returns
    -------
    list of Check
    """
    means = posterior_means(posterior, spend_question(counts, spells), spells.strata, spend_draws(posterior))
    sizes = posterior.tree["posterior"].sizes
    shape = (sizes["chain"], sizes["draw"])
    sides = counts.spec.contrast(counts.spec.analysis.contrasts[0])
    asked = {(means.groups[g], ""): means.draws[:, g] for g in means.own if means.groups[g] in sides}
    if len(asked) == 2:
        asked[sides] = asked[sides[0], ""] / asked[sides[1], ""]
    priors = priors_of(tuple(str(name) for name in posterior.tree["posterior"].data_vars))
    likelihood = spend_log_likelihood(posterior, stack).sum(axis=2)
    checks = (
        *convergence(posterior.tree),
        *predictive_checks(posterior, stack, rng),
        *prior_sensitivity(
            {name: drawn.reshape(shape) for name, drawn in asked.items()},
            log_prior(posterior.tree, priors), likelihood,
        ),
    )  # fmt: skip
    return [_size(stack, posterior), *bayes_findings(NAME, checks, "spend")]


def _size(stack: StackedCells, posterior: Posterior) -> Check:
    facts: dict[str, Fact] = {"of": "spend", "cohorts": len(stack.coding.cohorts), "draws": posterior.n_draws}
    case = "several" if len(stack.coding.cohorts) > 1 else "one"
    return Check("cells", NAME, value=float((stack.n > 0).sum()), facts={**facts, "case": case})


def no_posterior_spend(fit: NoSpendFit) -> Check:
    """Say why there are no rows."""
    facts = {"case": "spend", "of": "spend", "reason": fit.reason}
    return Check("not_fitted", fit.model, passed=False, facts=facts)
