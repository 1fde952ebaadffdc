"""What else could explain the headline: E-values, who did not answer, errors of the score, a negative control.

Draws come from streams of their own, so that nothing here changes a draw made elsewhere.
"""

from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.counts import Counts
from cxlink.cohort.spec import CohortSpec
from cxlink.estimates.control import control_rows
from cxlink.estimates.e_values import e_value_row
from cxlink.estimates.nonresponse import response_findings, target_findings, tipping_rows, unscored_rows
from cxlink.estimates.reliability import reliability_rows
from cxlink.estimates.retention import loss_ratio
from cxlink.models.curves import Curves

Row = dict[str, Any]
_STREAM = 5
_RATIOS = {"retention_ratio": "retained", "spend_ratio": ""}


def doubts(counts: Counts) -> tuple[list[Row], list[Row]]:
    """Give what the counts alone say: who did not answer, and a negative control.

    Parameters
    ----------
    counts : Counts
        Of the cohort.

    Returns
    -------
    rows, findings
        Of the estimates and the diagnostics.
    """
    unanswered, unanswered_findings = unscored_rows(counts, _stream(counts, 0))
    control, control_findings = control_rows(counts, _stream(counts, 1))
    found = [*response_findings(counts), *target_findings(counts), *unanswered_findings, *control_findings]
    return [*unanswered, *control], found


def beside_headline(
    curves: Curves, counts: Counts, repeats: pd.DataFrame | None
) -> tuple[list[Row], list[Row]]:
    """Give what stands on the headline's curves: the E-value of being lost, the tipping point, the score's errors.

    Parameters
    ----------
    curves : Curves
        Of the headline of retention, with draws.
    counts : Counts
        Of the cohort.
    repeats : DataFrame or None
        ``score, again, n``: customers by their first and their second score; None where that is not known.

    Returns
    -------
    rows, findings
        Of the estimates and the diagnostics.
    """
    rows = lost_e_values(curves, counts.spec)
    tipping, findings = tipping_rows(curves, counts)
    if repeats is None:
        return [*rows, *tipping], findings
    errors, error_findings = reliability_rows(repeats, curves, counts.spec, _stream(counts, 2))
    return [*rows, *tipping, *errors], [*findings, *error_findings]


def lost_e_values(curves: Curves, spec: CohortSpec) -> list[Row]:
    """Give the E-value of the ratio of being lost, of the headline's curves; none where a side is not known."""
    lost = loss_ratio(curves, spec)
    return list(e_value_row(lost, "lost")) if lost is not None else []


def e_values(rows: list[Row]) -> list[Row]:
    """Give the E-values of those of these rows that are headline ratios of retention or spend."""
    ratios = [row for row in rows if row["estimand"] in _RATIOS and row.get("headline")]
    return [found for row in ratios for found in e_value_row(row, _RATIOS[row["estimand"]])]


def _stream(counts: Counts, part: int) -> np.random.Generator:
    return np.random.default_rng([counts.spec.analysis.seed, _STREAM, part])
