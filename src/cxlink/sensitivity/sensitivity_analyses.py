"""Sensitivity analyses of the headline: confounding, censoring, non-response, measurement error, a negative control.

Random streams are separate from those of other analyses, so that none of their draws depends on these.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells
from cxlink.estimands.e_values import lost_e_values
from cxlink.sensitivity.censoring_rows import censoring_rows
from cxlink.sensitivity.censoring_weights.weight_rows import weighted_rows
from cxlink.sensitivity.confounding_rows import confounding_rows
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


def sensitivity_of_counts(counts: Counts) -> tuple[list[Row], list[Check]]:
    """Sensitivity analyses that need the counts alone: non-response and the negative control.

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
    checks = [*response_findings(counts), *target_findings(counts), *unanswered_findings, *control_findings]
    return [*unanswered, *control], checks


def sensitivity_of_headline(
    curves: Survival, counts: Counts, repeats: pd.DataFrame | None
) -> tuple[list[Row], list[Check]]:
    """Sensitivity analyses of the headline's curves: E-value of loss, tipping point, measurement error.

    Parameters
    ----------
    curves : Survival
        Of the headline of retention, with draws.
    counts : Counts
        Of the cohort.
    repeats : DataFrame or None
        ``score, again, n``: customers by their first and their second score; None where there are none.

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


def sensitivity_of_spells(
    rows: Sequence[Row], spells: Spells, counts: Counts
) -> tuple[list[Row], list[Check]]:
    """Sensitivity analyses of the headline's differences: bounds of confounding, informative censoring.

    Parameters
    ----------
    rows : sequence of dict
        The headline's, of Kaplan–Meier and means.
    spells, counts
        The cohort.

    Returns
    -------
    rows, findings
        Of the estimates and the diagnostics.
    """
    bounds, found = confounding_rows(rows, spells, counts)
    if counts.spec.subscription is None:
        return bounds, found
    censored, checks = censoring_rows(spells, counts, _stream(counts, 3))
    weighted, more = weighted_rows(spells, counts, _stream(counts, 4))
    return [*bounds, *censored, *weighted], [*found, *checks, *more]


def _stream(counts: Counts, part: int) -> np.random.Generator:
    return np.random.default_rng([counts.spec.analysis.seed, _STREAM, part])
