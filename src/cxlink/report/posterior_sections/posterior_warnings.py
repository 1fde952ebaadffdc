"""The checks of each posterior, and sentences about those that failed."""

import math
from collections.abc import Sequence

from cxlink.checks import Check, matching
from cxlink.report.content import Material
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import decimal, levels, listed, score
from cxlink.report.words import say

POSTERIORS = (("retention", "bayes"), ("retention", "bayes_sbg"), ("spend", "bayes"))
"""What each posterior is of, and its model."""
SAMPLING = {"rhat": 3, "ess_bulk": 0, "ess_tail": 0, "divergences": 0, "bfmi": 2}
"""Checks of the sampling itself, with the decimals of their values."""
_REPLICATED = ("predicted_losses", "predicted_pattern", "predicted_zeros", "predicted_mean")

ByPosterior = dict[tuple[str, str], list[Check]]


def by_posterior(checks: Sequence[Check]) -> ByPosterior:
    """Gather the checks of each posterior, by what it is of and by model."""
    gathered: ByPosterior = {}
    for check in matching(checks, model=BAYESIAN):
        if "of" in check.facts:  # of the others, models of every kind have some
            gathered.setdefault((str(check.facts["of"]), check.model), []).append(check)
    return gathered


def posterior_name(of: str, model: str) -> str:
    """Name a posterior: ``Retention, hazard``."""
    return say(f"workflow.posterior_{of}_{model}")


def sampling_failures(checks: Sequence[Check]) -> list[str]:
    """Warn of each posterior whose chains did not converge."""
    warnings = []
    for (of, model), rows in by_posterior(checks).items():
        failures = [
            say("workflow.failure", quantity=say(f"workflow.quantity_{check.code}"), value=_value(check))
            for check in matching(rows, code=tuple(SAMPLING), passed=False)
        ]
        if failures:
            warnings.append(say(f"workflow.unreliable_{of}", model=model, failures=failures))
    return warnings


def _value(check: Check) -> str:
    if math.isnan(check.value):
        return say("workflow.not_computed")
    return decimal(check.value, SAMPLING[check.code])


def failed_checks(m: Material) -> list[str]:
    """Say in sentences which checks failed, other than those of the sampling."""
    said = []
    for (of, model), rows in by_posterior(m.results.checks).items():
        name = posterior_name(of, model)
        for code in _REPLICATED:
            missed = [check.group for check in matching(rows, code=code, passed=False)]
            if missed:
                said.append(say(f"workflow.missed_{code}", posterior=name, scores=_scores(missed, m)))
        said += _amounts(rows, name, m)
        contrasts = [_contrast(check, m) for check in matching(rows, code="prior_sensitivity", passed=False)]
        if contrasts:
            said.append(say("workflow.depends_on_priors", posterior=name, contrasts=contrasts))
    return said


def _amounts(rows: Sequence[Check], name: str, m: Material) -> list[str]:
    """Name the scores whose amounts vary more, or less, than the gamma has it."""
    missed = matching(rows, code="predicted_spread", passed=False)
    less = [check.group for check in missed if check.value > 0.5]
    more = [check.group for check in missed if check.value <= 0.5]
    said = []
    if less:
        said.append(say("workflow.amounts_vary_less", posterior=name, scores=_scores(less, m)))
    if more:
        said.append(say("workflow.amounts_vary_more", posterior=name, scores=_scores(more, m)))
    return said


def _scores(names: Sequence[str], m: Material) -> str:
    return say("format.score", n=len(names), levels=listed([levels(name, m.spec) for name in names]))


def _contrast(check: Check, m: Material) -> str:
    group, reference = score(check.group, m.spec), str(check.get("reference"))
    return say("score_tables.pair", group=group, reference=levels(reference, m.spec)) if reference else group
