"""Whether the posteriors can be relied on, for who checks: diagnostics beside their bounds, and the priors."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cxlink.bayes.assessment.convergence import LEAST_BFMI, LEAST_ESS_A_CHAIN, MOST_RHAT, MOST_SENSITIVE
from cxlink.bayes.assessment.predictive_checks import FARTHEST
from cxlink.bayes.priors import GAMMA_SHAPE
from cxlink.checks import Check, matching
from cxlink.report.content import Material, stacked
from cxlink.report.document import Block, table
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import FIRM, NONE, capital, coverage, decimal, percent, whole
from cxlink.report.posterior_sections.posterior_warnings import COLUMNS, Found, found

Effect = tuple[str, ...]
_REPLICATED = {
    "predicted_losses": "Losses of each score, replicated: missed",
    "predicted_pattern": "Losses by period and stratum, replicated: missed",
    "predicted_zeros": "Who spent nothing, replicated: missed",
    "predicted_mean": "Mean spend, replicated: missed",
    "predicted_spread": "Spread of amounts, replicated: missed",
}
_SPREADS = {
    "level": "scores", "stratum": "strata", "cohort": "cohorts", "walk": "pace between periods",
    "shape": "amounts’ shapes",
}  # fmt: skip


def workflow_table(m: Material) -> list[Block]:
    """Set the diagnostics out, a column for each posterior."""
    every = found(m.results.checks)
    columns = [key for key in COLUMNS if any(one.code != "not_fitted" for one in every.get(key, ()))]
    if not columns:
        return []
    lines = [[name, *(write(every[key]) for key in columns)] for name, write in _lines()]
    lines = [line for line in lines if set(line[1:]) != {NONE}]
    spreads = [
        [name, *(_spread(every[key], what) for key in columns)] for what, name in _spreads(every, columns)
    ]
    caption = (
        "What was checked; what is judged is followed by ok, or by FAILS. Spreads: standard deviations on the model’s "
        f"scale, with {coverage(m.spec)} intervals."
    )
    rules = [len(lines)] if spreads else []
    header = ["Looked at", *(COLUMNS[key] for key in columns)]
    cells = [*lines, *spreads]
    return [
        table(
            caption,
            header,
            cells,
            notes=_explained(cells, [of for of, _ in columns]),
            rules=rules,
            dense=True,
        )
    ]


def _lines() -> Iterator[tuple[str, Callable[[Sequence[Check]], str]]]:
    """Names of lines, and how each is written from a posterior's findings."""
    for quantity, name, digits in (
        ("rhat", f"Largest R-hat (under {MOST_RHAT})", 3),
        ("ess_bulk", f"Fewest effective draws, middle (over {LEAST_ESS_A_CHAIN} a chain)", 0),
        ("ess_tail", f"Fewest effective draws, tails (over {LEAST_ESS_A_CHAIN} a chain)", 0),
        ("divergences", "Divergent transitions (none)", 0),
        ("bfmi", f"Least BFMI (over {LEAST_BFMI})", 2),
        ("draws", "Draws", 0),
    ):
        yield name, lambda rows, q=quantity, d=digits: _single(rows, q, d)  # type: ignore[misc]
    for quantity, name in _REPLICATED.items():
        yield name, lambda rows, q=quantity: _missed_of(rows, q)  # type: ignore[misc]
    yield (
        f"Largest prior sensitivity (under {MOST_SENSITIVE})",
        lambda rows: _largest(rows, "prior_sensitivity"),
    )
    yield "Log score of cells left out (PSIS-LOO)", _left_out
    yield "of these cells, fitted anew without each", _refitted
    yield "Parameters in use", lambda rows: _single(rows, "effective_parameters", 1)


def _judged(text: str, checks: Sequence[Check]) -> str:
    verdicts = {check.passed for check in checks}
    word = "FAILS" if False in verdicts else "ok" if True in verdicts else ""
    return f"{text}{FIRM}{word}" if word else text


def _single(checks: Sequence[Check], code: str, digits: int) -> str:
    mine = matching(checks, code=code)
    return _judged(decimal(mine[0].value, digits), mine[:1]) if mine else NONE


def _largest(checks: Sequence[Check], code: str) -> str:
    mine = matching(checks, code=code)
    if not mine:
        return NONE
    most = max((check.value for check in mine if not math.isnan(check.value)), default=math.nan)
    return _judged(decimal(most, 3), mine)


def _missed_of(checks: Sequence[Check], code: str) -> str:
    mine = matching(checks, code=code)
    missed = sum(check.passed is False for check in mine)
    return _judged(f"{whole(missed)} of {whole(len(mine))}", mine) if mine else NONE


def _left_out(checks: Sequence[Check]) -> str:
    mine = matching(checks, code="elpd_left_out_cells")
    if not mine:
        return NONE
    return f"{decimal(mine[0].value, 1)} (s.e. {decimal(_fact(mine[0], 'std_error'), 1)})"


def _refitted(checks: Sequence[Check]) -> str:
    mine = matching(checks, code="refitted_cells")
    return f"{whole(mine[0].value)} of {whole(_fact(mine[0], 'cells'))}" if mine else NONE


def _fact(check: Check, name: str) -> float:
    fact = check.facts[name]
    assert isinstance(fact, int | float)  # what its code says
    return fact


def _spreads(every: Found, columns: Sequence[tuple[str, str]]) -> list[tuple[Effect, str]]:
    names = {_effect(check) for key in columns for check in matching(every[key], code="spread")}
    return [(effect, f"Spread of {_spread_name(effect)}") for effect in sorted(names)]


def _effect(check: Check) -> Effect:
    effect = check.facts["effect"]
    assert isinstance(effect, tuple)  # what its code says
    return tuple(str(part) for part in effect)


def _spread_name(effect: Effect) -> str:
    """Write what a spread is of: ``level, stratum, polarisation`` becomes ``scores × strata, polarisation``."""
    known = [_SPREADS[part] for part in effect if part in _SPREADS]
    others = [part for part in effect if part not in _SPREADS]
    return ", ".join([*([" × ".join(known)] if known else []), *others])


def _spread(checks: Sequence[Check], effect: Effect) -> str:
    mine = matching(checks, code="spread", effect={effect})
    if not mine:
        return NONE
    low, high = (decimal(end, 2) for end in (mine[0].low, mine[0].high))
    return f"{decimal(mine[0].value, 2)} [{low},{FIRM}{high}]"


def _explained(lines: Sequence[Sequence[str]], parts: Sequence[str]) -> list[str]:
    """Explain what the table has."""
    of_period = " (of retention: at risk in one period)" if "retention" in parts else ""
    names = [line[0] for line in lines]
    notes = []
    if any("replicated" in name for name in names):
        notes.append(
            "Replicated: cohorts that the posterior makes; a score is missed where what was counted lies in their "
            f"outermost {percent(FARTHEST, 1)}."
        )
    if any("sensitivity" in name for name in names):
        notes.append(
            "Prior sensitivity: how far the main groups’ figures move for each doubling of the priors’ power."
        )
    if any("PSIS" in name for name in names):
        notes.append(f"A cell: all customers of one score and stratum{of_period}.")
    if any("Spread" in name for name in names):
        notes.append("The smaller a spread, the more is borrowed.")
    return notes


def priors_table(m: Material) -> list[Block]:
    """Set the priors out with their reasons; those that models share stand once."""
    priors = stacked(m.results.bayesian.priors if m.results.bayesian is not None else ())
    if not len(priors):
        return []
    merged: dict[tuple[str, str, str], list[str]] = {}
    for row in priors.to_dict("records"):
        if not _in_use(str(row["quantity"]), m):
            continue
        key = (str(row["quantity"]).replace("_", " "), _distribution(row), str(row["reason"]))
        name = (
            COLUMNS.get((str(row["of"]), str(row["model"])), str(row["of"]))
            .lower()
            .removeprefix("retention, ")
        )
        merged.setdefault(key, []).append(name)
    tails = [reason.partition("; ")[2] for _, _, reason in merged]
    shared = [tail for tail in dict.fromkeys(tails) if tail and tails.count(tail) > 1]
    lines = [
        [quantity, distribution, ", ".join(dict.fromkeys(names)), capital(_without(reason, shared))]
        for (quantity, distribution, reason), names in merged.items()
    ]
    caption = "Priors: what was held likely before any count, and why."
    header = ["Quantity", "Prior", "Of", "Reason"]
    notes = [f"{capital(tail)}." for tail in shared]
    notes.append(f"Gammas have shape {GAMMA_SHAPE:g}; normals are centred at 0 unless the reason says where.")
    return [
        table(
            caption, header, lines, notes=notes, texts=(0, 1, 2, 3), shares=(2.25, 1.6, 1.5, 4.9), dense=True
        )
    ]


def _in_use(quantity: str, m: Material) -> bool:
    """Whether this cohort's models have such a quantity: the priors may be those of every model there can be."""
    words = quantity.split("_")
    waning = bool(m.book.where("retention", model=BAYESIAN, scenario="waning"))
    several = len(m.results.cohorts) > 1
    needed = {
        "slope": m.spec.score.effect == "monotone", "steps": m.spec.score.effect == "monotone", "half": waning,
        "cohort": several, "stratum": bool(m.spec.stratum_variables),
    }  # fmt: skip
    return all(needed.get(word, True) for word in words)


def _without(reason: str, shared: Sequence[str]) -> str:
    first, _, tail = reason.partition("; ")
    return first if tail in shared else reason


def _distribution(row: dict[Any, Any]) -> str:
    distribution, scale = str(row["distribution"]), float(row["scale"])
    written = f"{scale:.3g}".replace("-", "−")
    shapes = {
        "normal": f"normal, s.d. {written}", "gamma": f"gamma, mean {written}",
        "dirichlet": f"Dirichlet, {written} each",
    }  # fmt: skip
    return shapes.get(distribution, f"{distribution}, {written}")
