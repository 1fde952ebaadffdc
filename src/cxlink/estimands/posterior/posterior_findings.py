"""What was looked at in a posterior becomes checks of its model, and a sentence where it cannot be relied on."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cxlink.bayes.assessment.leave_one_out import LeftOut
from cxlink.bayes.draws.sampling import Posterior
from cxlink.checks import Check, Fact
from cxlink.estimands.tidy import interval

_SAMPLING = {
    "rhat": "R-hat {:.3f}",
    "ess_bulk": "{:.0f} effective draws",
    "ess_tail": "{:.0f} effective draws in the tails",
    "divergences": "{:.0f} divergent transitions",
    "bfmi": "BFMI {:.2f}",
}


def bayes_findings(model: str, checks: Iterable[Check], of: str) -> list[Check]:
    """Say whose checks these are.

    Parameters
    ----------
    model : str
        As in the estimates table.
    checks : iterable of Check
        What was looked at.
    of : str
        What the posterior is of: ``retention`` or ``spend``.
    """
    return [replace(check, model=model, facts={**check.facts, "of": of}) for check in checks]


def left_out_findings(model: str, found: LeftOut, of: str) -> list[Check]:
    """Say how well cells are predicted from the others, and how many were refitted for that."""
    cells: dict[str, Fact] = {"cells": len(found.elpd), "of": of}
    return [
        Check("elpd_left_out_cells", model, value=found.total, facts={**cells, "std_error": found.std_error}),
        Check("refitted_cells", model, value=float(len(found.refitted)), facts=cells),
        Check("effective_parameters", model, value=found.p, facts={"of": of}),
    ]


def unreliable(model: str, checks: Iterable[Check], of: str) -> str | None:
    """Give the sentence for page one and the terminal where sampling failed; None where it did not."""
    failed = [check for check in checks if check.code in _SAMPLING and check.passed is False]
    if not failed:
        return None
    what = ", ".join(
        _SAMPLING[check.code].format(check.value) if check.value == check.value else f"no {check.code}"
        for check in failed
    )
    whose = f"the posterior of {of} ({model})" if of else model
    return (
        f"DO NOT RELY on {whose}: its chains did not settle on one posterior ({what}). "
        "Draw more with a longer run, or read the other models."
    )


def spread_findings(posterior: Posterior, level: float) -> Iterator[Check]:
    """How much levels, strata and cohorts differ, as the counts have it: what a sparse one borrows by."""
    for name in sorted(str(one) for one in posterior.tree["posterior"].data_vars):
        variable, *effect = name.split("_")
        if variable == "spread":
            draws = posterior.draws(name)
            _, low, high = interval(draws, level)
            facts: dict[str, Fact] = {"of": "retention", "effect": tuple(effect), "level": level}
            yield Check("spread", posterior.name, value=float(draws.mean()), low=low, high=high, facts=facts)
