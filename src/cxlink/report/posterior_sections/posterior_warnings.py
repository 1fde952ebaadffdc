"""What the diagnostics say of the posteriors: findings by posterior, and sentences about those that failed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cxlink.report.content import Material
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import capital, levels, listed, score
from cxlink.report.sections.diagnostics_section import verdict

PARTS = ("retention", "spend")
COLUMNS = {
    ("retention", "bayes"): "Retention, hazard",
    ("retention", "bayes_sbg"): "Retention, renewals",
    ("spend", "bayes"): "Spend",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding about a posterior.

    Attributes
    ----------
    quantity : str
        As in the diagnostics.
    group : str
        Of whom, without the leading ``retention`` or ``spend``.
    value : float
        NaN where none could be computed.
    ok : str
        ``yes``, ``no``, or empty where nothing is judged.
    note : str
        As in the diagnostics.
    """

    quantity: str
    group: str
    value: float
    ok: str
    note: str


Findings = dict[tuple[str, str], list[Finding]]


def found(diagnostics: pd.DataFrame) -> Findings:
    """Gather the findings about each posterior, by what it is of and by model."""
    gathered: Findings = {}
    for row in diagnostics[diagnostics["model"].isin(BAYESIAN)].to_dict("records"):
        group = "" if pd.isna(row["group"]) else str(row["group"])
        of, _, rest = group.partition(": ")
        if of not in PARTS:
            of, rest = PARTS[0], group
        note = "" if pd.isna(row["note"]) else str(row["note"])
        value = math.nan if pd.isna(row["value"]) else float(row["value"])
        one = Finding(str(row["quantity"]), rest, value, verdict(row["ok"]), note)
        gathered.setdefault((of, str(row["model"])), []).append(one)
    return gathered


def those_of(rows: Sequence[Finding], quantity: str) -> list[Finding]:
    """Keep the findings of one quantity."""
    return [row for row in rows if row.quantity == quantity]


def doubts(m: Material) -> list[str]:
    """Say in sentences what failed of the checks other than those of the sampling."""
    said = []
    for (of, model), rows in found(m.results.diagnostics).items():
        whose = COLUMNS.get((of, model), model).lower()
        for quantity, write in (
            ("predicted_losses", "losses of {} are not what the model would make"),
            ("predicted_pattern", "the course of losses of {} over time is not what the model would make"),
            ("predicted_zeros", "the share of {} who spent nothing is not what the model would make"),
            ("predicted_mean", "mean spend of {} is not what the model would make"),
        ):
            missed = [row.group for row in those_of(rows, quantity) if row.ok == "no"]
            if missed:
                said.append(f"{capital(whose)}: {write.format(_scores(missed, m))}.")
        said += _amounts(rows, m)
        moved = [row.group for row in those_of(rows, "prior_sensitivity") if row.ok == "no"]
        if moved:
            names = listed([_contrast(group, m) for group in moved])
            said.append(
                f"{capital(whose)}: the figures of {names} depend on the priors as well as on the counts."
            )
    return said


def _amounts(rows: Sequence[Finding], m: Material) -> list[str]:
    """Say whose amounts spread otherwise than a gamma's, and what that does to intervals."""
    missed = [
        row for row in those_of(rows, "predicted_spread") if row.ok == "no" and not math.isnan(row.value)
    ]
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
    if all(name.lstrip("-").isdigit() for name in names):
        return f"score{'s' if len(names) > 1 else ''} {listed([levels(name, m.spec) for name in names])}"
    return listed(list(names))


def _contrast(group: str, m: Material) -> str:
    a, colon, b = group.partition(":")
    name = score(a, m.spec)
    return f"{name} against {levels(b, m.spec)}" if colon else name
