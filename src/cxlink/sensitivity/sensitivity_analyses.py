"""What else could explain the headline: E-values, who did not answer, errors of the score, a negative control.

Draws come from streams of their own, so that nothing here changes a draw made elsewhere.
"""

from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.estimands.e_values import lost_e_values
from cxlink.sensitivity.negative_control import control_rows
from cxlink.sensitivity.nonresponse_rows import (
    response_findings,
    target_findings,
    tipping_rows,
    unscored_rows,
)
from cxlink.sensitivity.reliability_rows import reliability_rows
from cxlink.survival.survival import Survival

Row = dict[str, Any]
_STREAM = 5


def doubts(counts: Counts) -> tuple[list[Row], list[Check]]:
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
    curves: Survival, counts: Counts, repeats: pd.DataFrame | None
) -> tuple[list[Row], list[Check]]:
    """Give what stands on the headline's curves: the E-value of being lost, the tipping point, the score's errors.

    Parameters
    ----------
    curves : Survival
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


def _stream(counts: Counts, part: int) -> np.random.Generator:
    return np.random.default_rng([counts.spec.analysis.seed, _STREAM, part])
