"""What the diagnostics say of the posteriors: findings by posterior, and sentences about those that failed."""

import math
from collections.abc import Sequence

from cxlink.checks import Check, matching
from cxlink.report.content import Material
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import capital, levels, listed, score

COLUMNS = {
    ("retention", "bayes"): "Retention, hazard",
    ("retention", "bayes_sbg"): "Retention, renewals",
    ("spend", "bayes"): "Spend",
}


Found = dict[tuple[str, str], list[Check]]


def found(checks: Sequence[Check]) -> Found:
    """Gather the checks of each posterior, by what it is of and by model."""
    gathered: Found = {}
    for check in matching(checks, model=BAYESIAN):
        gathered.setdefault((str(check.facts["of"]), check.model), []).append(check)
    return gathered


def _failed(checks: Sequence[Check], code: str) -> list[Check]:
    return matching(checks, code=code, passed=False)


def doubts(m: Material) -> list[str]:
    """Say in sentences what failed of the checks other than those of the sampling."""
    said = []
    for (of, model), rows in found(m.results.checks).items():
        whose = COLUMNS.get((of, model), model).lower()
        for quantity, write in (
            ("predicted_losses", "losses of {} are not what the model would make"),
            ("predicted_pattern", "the course of losses of {} over time is not what the model would make"),
            ("predicted_zeros", "the share of {} who spent nothing is not what the model would make"),
            ("predicted_mean", "mean spend of {} is not what the model would make"),
        ):
            missed = [check.group for check in _failed(rows, quantity)]
            if missed:
                said.append(f"{capital(whose)}: {write.format(_scores(missed, m))}.")
        said += _amounts(rows, m)
        moved = _failed(rows, "prior_sensitivity")
        if moved:
            names = listed([_contrast(check, m) for check in moved])
            said.append(
                f"{capital(whose)}: the figures of {names} depend on the priors as well as on the counts."
            )
    return said


def _amounts(rows: Sequence[Check], m: Material) -> list[str]:
    """Say whose amounts spread otherwise than a gamma's, and what that does to intervals."""
    missed = [check for check in _failed(rows, "predicted_spread") if not math.isnan(check.value)]
    said = []
    for more, they, so in ((True, "less", "longer"), (False, "more", "shorter")):
        whose = [row.group for row in missed if (row.value > 0.5) == more]
        if whose:
            said.append(
                f"Spend: amounts of {_scores(whose, m)} vary {they} than the model has it, so that its intervals of "
                f"mean spend are {so} than they should be."
            )
    return said


def _scores(names: Sequence[str], m: Material) -> str:
    return f"score{'s' if len(names) > 1 else ''} {listed([levels(name, m.spec) for name in names])}"


def _contrast(check: Check, m: Material) -> str:
    name, reference = score(check.group, m.spec), str(check.get("reference"))
    return f"{name} against {levels(reference, m.spec)}" if reference else name
