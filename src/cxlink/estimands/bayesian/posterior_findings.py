"""Checks of posteriors: of the sampling, of cells left out, and of the standard deviations of partial pooling."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cxlink.bayes.assessment.leave_one_out import LeftOut
from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.priors import Prior
from cxlink.checks import Check, Fact
from cxlink.estimands.tidy import interval


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


def left_out_findings(model: str, left_out: LeftOut, of: str) -> list[Check]:
    """Say how well cells are predicted from the others, and how many were refitted for that."""
    cells: dict[str, Fact] = {"cells": len(left_out.elpd), "of": of}
    return [
        Check(
            "elpd_left_out_cells",
            model,
            value=left_out.total,
            facts={**cells, "std_error": left_out.std_error},
        ),
        Check("refitted_cells", model, value=float(len(left_out.refitted)), facts=cells),
        Check("effective_parameters", model, value=left_out.p, facts={"of": of}),
    ]


def deviation_findings(posterior: Posterior, priors: Iterable[Prior], level: float) -> Iterator[Check]:
    """Give the standard deviations of coefficients that a posterior of retention estimates.

    Parameters
    ----------
    posterior : Posterior
        Of retention.
    priors : iterable of Prior
        Of its quantities: a gamma is that of a standard deviation.
    level : float
        Of the intervals.
    """
    for prior in priors:
        if prior.distribution == "gamma" and prior.name in posterior.tree["posterior"].data_vars:
            draws = posterior.draws(prior.name)
            _, low, high = interval(draws, level)
            facts: dict[str, Fact] = {"of": "retention", "quantity": prior.name, "level": level}
            value = float(draws.mean())
            yield Check("standard_deviation", posterior.name, value=value, low=low, high=high, facts=facts)
