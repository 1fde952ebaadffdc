"""E-values: how strong something unmeasured would have to be to account for a whole ratio by itself.

VanderWeele & Ding (2017), doi 10.7326/M16-2607; for a ratio of means, Ding & VanderWeele (2016),
doi 10.1097/EDE.0000000000000457.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.survival_estimands import loss_ratio
from cxlink.estimands.tidy import select
from cxlink.survival.survival import Survival

Row = dict[str, Any]
_RATIOS = {"retention_ratio": "retained", "spend_ratio": ""}


def e_value(ratio: float) -> float:
    """E-value of a ratio: the least that an unmeasured confounder must go with both sides by to explain it alone.

    E = R + sqrt(R(R − 1)), R the ratio or its inverse, whichever is over 1.

    Parameters
    ----------
    ratio : float
        Of two risks, or of two means; not negative. That of 0, or of infinity, is infinite.

    Raises
    ------
    ValueError
        If the ratio is negative.

    Examples
    --------
    >>> print(f"{e_value(2.0):.2f} {e_value(0.5):.2f} {e_value(1.0):.2f}")
    3.41 3.41 1.00
    """
    if ratio < 0:
        raise ValueError(f"a ratio of {ratio:g} has no E-value: it is negative")
    above = max(ratio, np.inf if ratio == 0 else 1 / ratio)
    return float(above + np.sqrt(above * (above - 1)))


def limit_nearer_one(low: float, high: float) -> float:
    """Give the end of an interval that is nearer 1; 1 if the interval holds it, NaN where there is none."""
    if np.isnan(low) or np.isnan(high):
        return np.nan
    return low if low > 1 else high if high < 1 else 1.0


def e_value_row(shown: Row, scenario: str) -> Iterator[Row]:
    """Give the E-value of a ratio's row, and in ``conf_low`` that of the interval's limit nearer 1.

    Parameters
    ----------
    shown : dict
        A row of the estimates table: a ratio, with its interval.
    scenario : str
        ``lost`` or ``retained``: what it is a ratio of; empty for spend.

    Yields
    ------
    dict
        None where the ratio is negative, as one of refunds may be: it has no E-value.
    """
    if not shown["estimate"] >= 0:
        return
    limit = limit_nearer_one(shown["conf_low"], shown["conf_high"])
    yield {
        **shown, "estimand": "e_value", "scenario": scenario, "headline": False,
        "estimate": e_value(shown["estimate"]), "std_error": np.nan,
        "conf_low": e_value(max(limit, 0.0)) if not np.isnan(limit) else np.nan, "conf_high": np.nan,
    }  # fmt: skip


def e_value_findings(estimates: pd.DataFrame) -> Iterator[Check]:
    """Say of which headline ratios there is no E-value, or no finite one, and why."""
    ratios = select(estimates, headline=True, estimand=("retention_ratio", "spend_ratio"))
    for shown in ratios.to_dict("records"):
        if shown["estimate"] < 0:
            facts = {"case": "negative", "reference": shown["reference"]}
            yield Check("e_value", shown["model"], shown["group"], shown["estimate"], facts=facts)
    for row in select(estimates, estimand="e_value").to_dict("records"):
        if np.isinf(row["estimate"]):
            facts = {"case": row["scenario"] or "spend", "reference": row["reference"]}
            yield Check("e_value", row["model"], row["group"], np.inf, facts=facts)


def lost_e_values(curves: Survival, spec: CohortSpec) -> list[Row]:
    """Give the E-value of the ratio of being lost, of the headline's curves; none where a side is not known."""
    lost = loss_ratio(curves, spec)
    return list(e_value_row(lost, "lost")) if lost is not None else []


def e_values(rows: list[Row]) -> list[Row]:
    """Give the E-values of those of these rows that are headline ratios of retention or spend."""
    ratios = [row for row in rows if row["estimand"] in _RATIOS and row.get("headline")]
    return [found for row in ratios for found in e_value_row(row, _RATIOS[row["estimand"]])]
