"""Categories that tell who was lost: adjusting for what became of customers changes what is said of their scores."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.lost_shares import LostShares
from cxlink.cohort.count.mix import MISSING
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import SURVEY_HISTORY, TENURE_AT_SURVEY, CohortSpec
from cxlink.cohort.strata import stratum_column

EXPECTED = 10.0
"""Customers retained, or lost, that the others' rates lead to expect, from which on hardly any at all is no chance."""
_NEARLY = 0.05
"""Share of those expected that is hardly any."""
_ERRORS = 3.0
_FEWEST_AT_RISK = 10
"""Of the others in a period, for their hazard in it to say what is expected."""


def outcome_stratum_checks(counts: Counts) -> Iterator[Check]:
    """Name each adjustment variable of which a category holds nearly only customers who were lost, or retained.

    Against the others of the cohort. Nearly all lost: at most a twentieth of the customers retained whom their share
    leads to expect (ten or more), and more lost than by their hazards, so that long follow-up alone is no sign. Nobody
    lost, where their hazards lead to expect ten losses or more over the same periods, so that short follow-up is none;
    with few losses a category may be a strong confounder, such as a contract of two years, but not what is missing: at
    most a twentieth of those expected is a sign there. Empty cells come first, then the largest category.
    """
    spec, smallest = counts.spec, counts.spec.publish.smallest_cell
    for variable in spec.stratum_variables if spec.subscription is not None else ():
        found = {} if variable in SURVEY_HISTORY else _telling(counts.scored, stratum_column(variable))
        if found:
            value = max(found, key=lambda one: (one == MISSING, found[one].n))
            case = "missing" if value == MISSING else "category"
            facts: dict[str, Fact] = {"case": case, "column": variable}
            if found[value].smaller_than(smallest):
                yield Check("outcome_stratum", passed=False, facts={**facts, "case": "blank"})
            else:
                yield Check(
                    "outcome_stratum", passed=False, facts={**facts, "level": value, **found[value].facts()}
                )


def without_default_tenure(counts: Counts) -> tuple[CohortSpec, Remark] | None:
    """Give the spec without the default bands of tenure, and why, where tenure is missing by what became of customers.

    None where it is not, or the spec itself names the bands.
    """
    spec = counts.spec
    if TENURE_AT_SURVEY not in spec.cuts or TENURE_AT_SURVEY in spec.adjust.bands:
        return None
    shares = _telling(counts.scored, stratum_column(TENURE_AT_SURVEY)).get(MISSING)
    if shares is None:
        return None
    bands = {**spec.adjust.bands, TENURE_AT_SURVEY: ()}
    column = spec.subscription.signup if spec.subscription is not None else None
    facts: dict[str, Fact] = {"column": str(column), **shares.facts()}
    alone = spec.model_copy(update={"adjust": spec.adjust.model_copy(update={"bands": bands})})
    return alone, Remark("default_tenure_unused", shares.n, facts)


def _telling(cells: pd.DataFrame, column: str) -> dict[str, LostShares]:
    """Categories of a column that nearly tell who was lost."""
    names, codes = np.unique(cells[column].to_numpy(dtype=str), return_inverse=True)
    if len(names) < 2:
        return {}
    at_risk, lost = _periods(cells, codes, len(names))
    n = np.bincount(codes, cells["n"], len(names))
    others_at_risk, others_lost = at_risk.sum(axis=0) - at_risk, lost.sum(axis=0) - lost
    hazard = np.where(others_at_risk >= _FEWEST_AT_RISK, others_lost / np.maximum(others_at_risk, 1), 0.0)
    expected_lost = (at_risk * hazard).sum(axis=1)
    found = {}
    for i, name in enumerate(names):
        inside, outside = lost[i].sum(), lost.sum() - lost[i].sum()
        shares = LostShares(int(n[i]), int(inside), int(n.sum() - n[i]), int(outside))
        expected_retained = n[i] * (1 - outside / (n.sum() - n[i]))
        more = inside - expected_lost[i] > _ERRORS * math.sqrt(expected_lost[i])
        all_lost = more and _hardly_any(n[i] - inside, expected_retained)
        if all_lost or (_hardly_any(inside, expected_lost[i]) and (name == MISSING or not inside)):
            found[str(name)] = shares
    return found


def _hardly_any(n: float, expected: float) -> bool:
    return expected >= EXPECTED and n <= _NEARLY * expected


def _periods(cells: pd.DataFrame, codes: np.ndarray, n_codes: int) -> tuple[np.ndarray, np.ndarray]:
    """Customers at risk in each period from the first on, and lost in it, by category."""
    entry, leave = (cells[name].to_numpy(np.int64) for name in ("entry", "exit"))
    n, gone = cells["n"].to_numpy(float), (cells["cause"] != "").to_numpy(bool)
    shape = (n_codes, int(leave.max(initial=0)) + 2)
    change, lost = np.zeros(shape), np.zeros(shape)
    np.add.at(change, (codes, entry + 1), n)
    np.add.at(change, (codes, leave + 1), -n)
    np.add.at(lost, (codes[gone], leave[gone]), n[gone])
    return np.cumsum(change, axis=1), lost
