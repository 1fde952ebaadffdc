"""Where too few customers can be compared like with like, an additive model takes over the headline (design rule 6)."""

from collections.abc import Iterable, Sequence
from typing import Any

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.support_checks import LEAST_SUPPORT, finding

Row = dict[str, Any]
SUCCESSOR = {"kaplan_meier": "grouped_ph", "means": "poisson"}
"""The additive model that takes over from each nonparametric one."""


def thin(findings: Iterable[Row], model: str, spec: CohortSpec) -> float | None:
    """Share of the customers that the headline contrast of a model stands on, where that is too small; else None.

    Parameters
    ----------
    findings : iterable of dict
        Of the headline.
    model : str
        ``kaplan_meier`` or ``means``.
    spec : CohortSpec
        Its headline contrast.
    """
    name = ":".join(spec.contrast(spec.analysis.contrasts[0]))
    for found in findings:
        same = (found["model"], found["quantity"], found["group"]) == (model, "support", name)
        if same and found["value"] < LEAST_SUPPORT:
            return float(found["value"])
    return None


def stepped_down(
    rows: Sequence[Row], findings: Sequence[Row], successors: Iterable[Row], spec: CohortSpec
) -> tuple[list[Row], list[Row]]:
    """Take the headline from nonparametric rows wherever another model's rows hold it now.

    Parameters
    ----------
    rows, findings : sequence of dict
        Of the nonparametric headline.
    successors : iterable of dict
        Rows of the additive models; those that hold the headline say so.
    spec : CohortSpec
        Its headline contrast.

    Returns
    -------
    rows, findings : list of dict
        Without the E-values of what has stepped down; the findings say so.
    """
    holding = {row["model"] for row in successors if row.get("headline")}
    down = {model for model, after in SUCCESSOR.items() if after in holding}
    kept = [
        {**row, "headline": False} if row["model"] in down and row.get("headline") else row
        for row in rows
        if not (row["model"] in down and row["estimand"] == "e_value")
    ]
    name = ":".join(spec.contrast(spec.analysis.contrasts[0]))
    note = "additive in score and strata: it holds the headline, since the nonparametric one has too little support"
    said = [finding(SUCCESSOR[model], "takes_over", name, 1.0, None, note) for model in sorted(down)]
    return kept, [*findings, *said]
