"""Model checking of the posteriors: their checks beside the bounds, and their priors."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from cxlink.bayes.assessment.convergence import LEAST_BFMI, LEAST_ESS_A_CHAIN, MOST_RHAT, MOST_SENSITIVE
from cxlink.bayes.assessment.predictive_checks import FARTHEST
from cxlink.bayes.priors import GAMMA_SHAPE
from cxlink.checks import Check, matching
from cxlink.report.content import Material, stacked
from cxlink.report.document import Block, table
from cxlink.report.format import FIRM, NONE, coverage, decimal
from cxlink.report.posterior_sections.posterior_warnings import (
    POSTERIORS,
    SAMPLING,
    ByPosterior,
    by_posterior,
    posterior_name,
)
from cxlink.report.words import say

_BOUNDS = {
    "rhat": MOST_RHAT, "ess_bulk": LEAST_ESS_A_CHAIN, "ess_tail": LEAST_ESS_A_CHAIN, "divergences": 0,
    "bfmi": LEAST_BFMI,
}  # fmt: skip
_REPLICATED = (
    "predicted_losses",
    "predicted_pattern",
    "predicted_zeros",
    "predicted_mean",
    "predicted_spread",
)
_CHECKS = (*SAMPLING, "draws", *_REPLICATED, "prior_sensitivity", "elpd_left_out_cells", "refitted_cells",
           "effective_parameters")  # fmt: skip
_DEVIATION = "standard_deviation"
_SHARES = (2.1, 2.3, 1.75, 4.2)


def workflow_table(m: Material) -> list[Block]:
    """Set the checks out, a column for each posterior; below them the standard deviations of partial pooling."""
    every = by_posterior(m.results.checks)
    columns = [key for key in POSTERIORS if any(one.code != "not_fitted" for one in every.get(key, ()))]
    if not columns:
        return []
    cells = {code: [_cell(matching(every[key], code=code)) for key in columns] for code in _CHECKS}
    cells = {code: row for code, row in cells.items() if set(row) != {NONE}}
    lines = [[_row_name(code), *row] for code, row in cells.items()]
    deviations = [
        [say(f"priors.quantity_{quantity}"), *(_deviation(every[key], quantity) for key in columns)]
        for quantity in _quantities(every, columns)
    ]
    notes = _notes(cells, [of for of, _ in columns])
    if deviations:
        notes.append(say("workflow.note_deviations"))
    header = [say("workflow.check"), *(posterior_name(of, model) for of, model in columns)]
    caption = say("workflow.caption", level=coverage(m.spec))
    rules = [len(lines)] if deviations else []
    return [table(caption, header, [*lines, *deviations], notes=notes, rules=rules, dense=True)]


def _row_name(code: str) -> str:
    return say(f"workflow.row_{code}", bound=_BOUNDS.get(code, MOST_SENSITIVE))


def _notes(codes: Collection[str], outcomes: Sequence[str]) -> list[str]:
    """Explain the lines of these codes."""
    notes = []
    if not set(codes).isdisjoint(_REPLICATED):
        notes.append(say("workflow.note_replicated", share=FARTHEST))
    if "prior_sensitivity" in codes:
        notes.append(say("workflow.note_sensitivity"))
    if "elpd_left_out_cells" in codes:
        of = outcomes[0] if len(set(outcomes)) == 1 else "both"
        notes.append(say(f"workflow.note_cells_{of}"))
    return notes


def _cell(checks: Sequence[Check]) -> str:
    """Write the checks of one code and one posterior, with the verdict on them."""
    if not checks:
        return NONE
    first, code = checks[0], checks[0].code
    if code in _REPLICATED:
        missed = sum(check.passed is False or check.get("missed") is True for check in checks)
        return _with_verdict(say("workflow.missed", missed=missed, all=len(checks)), checks)
    if code == "prior_sensitivity":
        largest = max((check.value for check in checks if not math.isnan(check.value)), default=math.nan)
        return _with_verdict(decimal(largest, 3), checks)
    if code == "elpd_left_out_cells":
        if math.isnan(float(str(first.facts["std_error"]))):
            return decimal(first.value, 1)
        return say("workflow.log_score", value=first.value, std_error=first.facts["std_error"])
    if code == "refitted_cells":
        return say("workflow.missed", missed=first.value, all=first.facts["cells"])
    return _with_verdict(decimal(first.value, SAMPLING.get(code, 0 if code == "draws" else 1)), checks[:1])


def _with_verdict(text: str, checks: Sequence[Check]) -> str:
    verdicts = {check.passed for check in checks}
    if not verdicts & {True, False}:
        return text
    return f"{text}{FIRM}{say('workflow.fails' if False in verdicts else 'workflow.ok')}"


def _quantities(every: ByPosterior, columns: Sequence[tuple[str, str]]) -> list[str]:
    """Name the standard deviations of any posterior, each once."""
    return list(dict.fromkeys(
        str(check.facts["quantity"]) for key in columns for check in matching(every[key], code=_DEVIATION)
    ))  # fmt: skip


def _deviation(checks: Sequence[Check], quantity: str) -> str:
    mine = matching(checks, code=_DEVIATION, quantity=quantity)
    if not mine:
        return NONE
    if math.isnan(mine[0].low):
        return decimal(mine[0].value, 2)
    low, high = (decimal(end, 2) for end in (mine[0].low, mine[0].high))
    return f"{decimal(mine[0].value, 2)} [{low},{FIRM}{high}]"


def priors_table(m: Material) -> list[Block]:
    """Set the priors out with their reasons; those that models share stand once."""
    priors = stacked(m.results.bayesian.priors if m.results.bayesian is not None else ())
    if not len(priors):
        return []
    models: dict[tuple[str, str, str], list[str]] = {}
    for row in priors.to_dict("records"):
        models.setdefault(_prior(row), []).append(say(f"priors.model_{row['of']}_{row['model']}"))
    lines = [
        [quantity, distribution, ", ".join(names), reason]
        for (quantity, distribution, reason), names in models.items()
    ]
    header = [say(f"priors.column_{column}") for column in ("quantity", "distribution", "models", "reason")]
    notes = [say("priors.note_gamma", shape=GAMMA_SHAPE)] if (priors["distribution"] == "gamma").any() else []
    caption = say("priors.caption")
    return [table(caption, header, lines, notes=notes, texts=(0, 1, 2, 3), shares=_SHARES, dense=True)]


def _prior(row: dict[Any, Any]) -> tuple[str, str, str]:
    """Write a prior's quantity, its distribution and its reason."""
    quantity = str(row["quantity"])
    about = f"{quantity}_{row['model']}" if quantity == "intercept" else quantity
    return (
        say(f"priors.quantity_{quantity}"),
        say(
            f"priors.distribution_{row['distribution']}",
            centre=float(row["centre"]),
            scale=float(row["scale"]),
        ),
        say(f"priors.reason_{about}", scale=float(row["scale"])),
    )
