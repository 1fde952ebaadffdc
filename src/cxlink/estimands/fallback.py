"""The fallback estimator: an additive model is the headline where common support is small."""

from collections.abc import Iterable, Sequence
from typing import Any

from cxlink.checks import Check, matching
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.support_checks import LEAST_SUPPORT

Row = dict[str, Any]
SUCCESSOR = {"kaplan_meier": "grouped_ph", "means": "poisson"}
"""The additive model that takes over from each nonparametric one."""


FEW = ("customers_per_stratum", "buckets_per_group")
"""Checks of a band's size, before any outcome: where one fails, the additive models take over."""


def thin(findings: Iterable[Check], model: str, spec: CohortSpec) -> bool:
    """Whether the headline contrast of a model has too few customers, in total or in a stratum.

    Parameters
    ----------
    findings : iterable of Check
        Of the headline.
    model : str
        ``kaplan_meier`` or ``means``.
    spec : CohortSpec
        Its headline contrast.
    """
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    every = list(findings)
    own = matching(
        every, code="support", model=model, group=group, reference=reference, adjusted="standardised"
    )
    few = matching(every, code=FEW, model=model, passed=False)
    return bool(few) or any(check.value < LEAST_SUPPORT for check in own)


def stepped_down(
    rows: Sequence[Row], findings: Sequence[Check], successors: Iterable[Row], spec: CohortSpec
) -> tuple[list[Row], list[Check]]:
    """Unmark nonparametric rows as the headline where rows of an additive model are marked.

    Parameters
    ----------
    rows : sequence of dict
        Of the nonparametric headline.
    findings : sequence of Check
        Beside them.
    successors : iterable of dict
        Rows of the additive models; those of the headline are marked.
    spec : CohortSpec
        Its headline contrast.

    Returns
    -------
    rows : list of dict
    findings : list of Check
        Without the E-values of what has stepped down; the findings say so.
    """
    holding = {row["model"] for row in successors if row.get("headline")}
    down = {model for model, after in SUCCESSOR.items() if after in holding}
    kept = [
        {**row, "headline": False} if row["model"] in down and row.get("headline") else row
        for row in rows
        if not (row["model"] in down and row["estimand"] == "e_value")
    ]
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    said = [
        Check("takes_over", SUCCESSOR[model], group, 1.0, facts={"reference": reference})
        for model in sorted(down)
    ]
    return kept, [*findings, *said]
