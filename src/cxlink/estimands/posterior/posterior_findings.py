"""What was looked at in a posterior becomes findings, and a sentence where it cannot be relied on."""

from collections.abc import Iterable, Iterator
from typing import Any

from cxlink.bayes.assessment.leave_one_out import LeftOut
from cxlink.bayes.draws.sampling import Posterior
from cxlink.checks import Check
from cxlink.estimands.support_checks import finding
from cxlink.estimands.tidy import interval

Row = dict[str, Any]
_SAMPLING = {
    "rhat": "R-hat {:.3f}",
    "ess_bulk": "{:.0f} effective draws",
    "ess_tail": "{:.0f} effective draws in the tails",
    "divergences": "{:.0f} divergent transitions",
    "bfmi": "BFMI {:.2f}",
}


def bayes_findings(model: str, checks: Iterable[Check], of: str = "") -> list[Row]:
    """Make rows of diagnostics.csv.

    Parameters
    ----------
    model : str
        As in the estimates table.
    checks : iterable of Check
        What was looked at.
    of : str
        What the posterior is of, where one model has several: ``spend``. It leads the group.
    """
    named = [(": ".join(name for name in (of, check.group) if name), check) for check in checks]
    return [
        finding(model, one.code, group, one.value, one.passed, str(one.get("note"))) for group, one in named
    ]


def left_out_findings(model: str, found: LeftOut, of: str = "") -> list[Row]:
    """Say how well cells are foreseen from the others, and how many were refitted for that."""
    over = len(found.refitted)
    note = (
        f"sum over {len(found.elpd):,} cells of the log density of all a cell's customers given the other cells "
        f"(PSIS-LOO leaving out cells, each many customers); standard error {found.std_error:.4g}"
    )
    again = f"of {len(found.elpd):,} cells had a Pareto k over the bound and were left out by fitting anew"
    least = "effective number of parameters, by leaving out cells"
    return [
        finding(model, "elpd_left_out_cells", of, found.total, None, note),
        finding(model, "refitted_cells", of, float(over), None, again),
        finding(model, "effective_parameters", of, found.p, None, least),
    ]


def unreliable(model: str, checks: Iterable[Check], of: str = "") -> str | None:
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


def spread_findings(posterior: Posterior, level: float) -> Iterator[Row]:
    """How much levels, strata and cohorts differ, as the counts have it: what a sparse one borrows by."""
    for name in sorted(str(one) for one in posterior.tree["posterior"].data_vars):
        if not name.startswith("spread_"):
            continue
        draws = posterior.draws(name)
        _, low, high = interval(draws, level)
        note = (
            "standard deviation of effects on the model's link, posterior mean; the smaller, the more is borrowed; "
            f"{level:.0%} within {low:.3g} and {high:.3g}"
        )
        what = name.removeprefix("spread_").replace("_", " ")
        yield finding(posterior.name, "spread", what, float(draws.mean()), None, note)
