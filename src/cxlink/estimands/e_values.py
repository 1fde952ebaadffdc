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


def e_value_row(ratio: Row, scenario: str) -> Iterator[Row]:
    """Give the E-value of a ratio's row, and in ``conf_low`` that of the interval's limit nearer 1.

    Parameters
    ----------
    shown : dict
        A row of the estimates table: a ratio, with its interval.
    scenario : str
        ``lost`` or ``retained``, the outcome of the ratio; empty for spend.

    Yields
    ------
    dict
        One row; none where the ratio is negative, as with refunds: it has no E-value.
    """
    if not ratio["estimate"] >= 0:
        return
    limit = limit_nearer_one(ratio["conf_low"], ratio["conf_high"])
    yield {
        **ratio, "estimand": "e_value", "scenario": scenario, "headline": False,
        "estimate": e_value(ratio["estimate"]), "std_error": np.nan,
        "conf_low": e_value(max(limit, 0.0)) if not np.isnan(limit) else np.nan, "conf_high": np.nan,
    }  # fmt: skip


def e_value_findings(estimates: pd.DataFrame) -> Iterator[Check]:
    """Headline ratios without an E-value, or without a finite one, with reasons."""
    ratios = select(estimates, headline=True, estimand=("retention_ratio", "spend_ratio"))
    for ratio in ratios.to_dict("records"):
        if ratio["estimate"] < 0:
            facts = {"case": "negative", "reference": ratio["reference"]}
            yield Check("e_value", ratio["model"], ratio["group"], ratio["estimate"], facts=facts)
    for row in select(estimates, estimand="e_value").to_dict("records"):
        if np.isinf(row["estimate"]):
            facts = {"case": row["scenario"] or "spend", "reference": row["reference"]}
            yield Check("e_value", row["model"], row["group"], np.inf, facts=facts)


def lost_e_values(curves: Survival, spec: CohortSpec) -> list[Row]:
    """E-value of the risk ratio of loss, of the headline's curves; none where a group has no estimate."""
    lost = loss_ratio(curves, spec)
    return list(e_value_row(lost, "lost")) if lost is not None else []


def e_values(rows: list[Row]) -> list[Row]:
    """E-values of the headline ratios of retention and spend among these rows."""
    ratios = [row for row in rows if row["estimand"] in _RATIOS and row.get("headline")]
    return [
        e_value_of_ratio for row in ratios for e_value_of_ratio in e_value_row(row, _RATIOS[row["estimand"]])
    ]
