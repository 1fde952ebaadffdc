"""Estimands of spend."""

import numpy as np

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import BOTH, OF_AMOUNTS
from cxlink.estimands.estimand import NOT_LEADING, Answer, Estimand, Leads, Row
from cxlink.estimands.estimand_rows import rows_of
from cxlink.spend.means import MeanSpend

LEADING = Leads({"spend": None})
"""The headline of page one: mean spend over the whole window."""


def spend_estimands(spec: CohortSpec) -> tuple[Estimand, ...]:
    """Estimands of models of spend; without refunds a mean is at least 0.

    Raises
    ------
    ValueError
        If the spec has no spend.
    """
    if spec.spend is None:
        raise ValueError("the spec has no [spend]")
    least, contrasts = (-np.inf, BOTH) if spec.spend.refunds else (0.0, OF_AMOUNTS)
    return (Estimand("spend", spec.spend.currency, mean, contrasts, least),)


def mean(m: MeanSpend) -> Answer:
    """E[spend] over the window, zeros included; intervals are bounded by 0, and a ratio to a draw of 0 is infinite."""
    return Answer(m.point[:, None], m.draws[..., None], np.zeros((len(m.groups), 1)), ({},))


def spend_rows(m: MeanSpend, spec: CohortSpec, leads: Leads = NOT_LEADING) -> list[Row]:
    """All rows of one model of spend."""
    return rows_of(m, spend_estimands(spec), spec, leads)
