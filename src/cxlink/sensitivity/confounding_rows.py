"""Benchmarked bounds of confounding of the headline contrast, as rows and checks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, has_spend, risk_sets
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column
from cxlink.estimands.scenario import HIGHEST, LOWEST
from cxlink.groups.discrete_hazard import hazards
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.sensitivity.confounding import (
    ContrastCells,
    filled,
    largest_bias,
    left_out,
    robustness_value,
)
from cxlink.spend.means import cell_means

Row = dict[str, Any]
ROBUSTNESS = "robustness_value"
_MODELS = {"kaplan_meier": "retention_difference", "means": "spend_difference"}
Means = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Customers of each curve, their mean, the variance of one customer, and the sampling variance of the mean."""


def confounding_rows(rows: Sequence[Row], spells: Spells, counts: Counts) -> tuple[list[Row], list[Check]]:
    """Move the headline differences of retention and spend as far as a confounder could.

    Of each adjustment variable two rows: a confounder as strong as it, in the direction that lowers the difference and
    in the one that raises it, with the interval moved likewise. Strengths and scale are taken as estimated; the
    interval is of the difference. A row `ROBUSTNESS` says how strong one must be to make the difference 0, and in
    ``conf_low`` its limit nearer 0.

    Parameters
    ----------
    rows : sequence of dict
        The headline's, of Kaplan–Meier and means.
    spells, counts
        The cohort.

    Returns
    -------
    rows, findings
    """
    made: list[Row] = []
    found: list[Check] = []
    spec = counts.spec
    for model, estimand in _MODELS.items():
        request = _request(model, spells, spec)
        difference = _difference(rows, estimand, request, spec)
        if request is None or difference is None:
            continue
        if model == "kaplan_meier" and (spells.entry > 0).any():
            found.append(_check(difference, "late_entry"))
            continue
        means = (
            _retained(spells, request, spec.horizon) if model == "kaplan_meier" else _spent(spells, request)
        )
        cells = filled(_cells(spells, request, spec, means))
        if model == "means" and not cells.scale:  # all spent the same: no variance that one could explain
            continue
        made.append(_robustness(difference, cells))
        for variable, stratum in _without_each(spells, cells, spec):
            strength, without = left_out(cells, stratum)
            bias = largest_bias(cells, strength)
            made += [_moved(difference, kind, variable, bias) for kind in (LOWEST, HIGHEST)]
            facts: dict[str, Fact] = {
                "term": variable,
                "outcome": strength.outcome,
                "score": strength.of_weights,
                "without": without,
            }
            found.append(_check(difference, "as_strong", bias, facts))
        if not spec.stratum_variables:
            found.append(_check(difference, "no_variable"))
    return made, found


def _request(model: str, spells: Spells, spec: CohortSpec) -> Request | None:
    """The request behind the headline, see `cxlink.groups.headline_requests.leading`."""
    if (spec.spend if model == "means" else spec.subscription) is None:
        return None
    supported = reaches(spells, spec.horizon)
    if model == "means":
        supported, spells = has_spend(spells), replace(spells, entry=np.zeros_like(spells.entry))
    return standardised(spells, spec, supported) or pooled(spells, spec)


def _difference(rows: Sequence[Row], estimand: str, request: Request | None, spec: CohortSpec) -> Row | None:
    """Find the row of the headline contrast by the request behind the headline."""
    if request is None:
        return None
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    keys = {"estimand": estimand, "group": group, "reference": reference, **request.labels}
    return next(
        (
            row
            for row in rows
            if all(row.get(name, "") == value for name, value in keys.items())
            and row.get("horizon") in (None, spec.horizon)
            and not np.isnan(row["estimate"])
        ),
        None,
    )


def _retained(spells: Spells, request: Request, horizon: int) -> Means:
    """Retention of each curve at the horizon, with Greenwood's variance.

    The outcome of one customer is 1 or 0, whether it could be followed or not, so that its variance is S(1 − S).
    Censoring adds to the sampling variance alone.
    """
    at_risk, lost = (part[:, :horizon] for part in risk_sets(spells, request.members)(spells.n))
    n = at_risk[:, 0].astype(float)
    retained = np.prod(1 - hazards(at_risk, lost), axis=1)
    left = at_risk - lost
    steps = np.divide(lost, at_risk * left, out=np.zeros(at_risk.shape), where=left > 0)
    error, spread = retained**2 * steps.sum(axis=1), retained * (1 - retained)
    followed = np.divide(spread, error, out=n.copy(), where=error > 0)
    several = np.minimum(followed, n) > 1
    effective = np.where(several, np.minimum(followed, n), np.nan)
    variance = spread * effective / (effective - 1)
    return n, retained, variance, variance / effective


def _spent(spells: Spells, request: Request) -> Means:
    cells = cell_means(spells, request.members)
    error = np.where(cells.n > 1, cells.variance, np.nan)
    return cells.n, np.nan_to_num(cells.mean), error * cells.n, error


def _cells(spells: Spells, request: Request, spec: CohortSpec, means: Means) -> ContrastCells:
    """Lay the headline contrast of a request out by cell."""
    names = [standard.group for standard in request.standards]
    sides = spec.contrast(spec.analysis.contrasts[0])
    pair = next(p for p in request.contrasts if tuple(names[g] for g in p) == sides)
    weight = np.zeros(len(request.members))
    for g, sign in zip(pair, (1, -1), strict=True):
        np.add.at(weight, request.standards[g].curve, sign * request.standards[g].weight)
    used = np.flatnonzero(weight)
    first = np.array([request.members[curve][0] for curve in used])
    return ContrastCells(
        spells.level[first], spells.stratum[first], weight[used], *(part[used] for part in means)
    )


def _without_each(spells: Spells, cells: ContrastCells, spec: CohortSpec) -> Iterator[tuple[str, np.ndarray]]:
    """Give each adjustment variable, and the strata of the cells without it."""
    for variable in spec.stratum_variables:
        others = spells.strata.drop(columns=stratum_column(variable))
        merged = others.groupby(list(others.columns), sort=True).ngroup() if len(others.columns) else 0
        number = np.zeros(len(spells.strata), dtype=int) + np.asarray(merged)
        yield variable, number[cells.stratum]


def _robustness(difference: Row, cells: ContrastCells) -> Row:
    low, high = difference["conf_low"], difference["conf_high"]
    limit = low if low > 0 else high if high < 0 else low + high if np.isnan(low + high) else 0.0
    at_limit = robustness_value(limit, cells.scale) if not np.isnan(limit) else np.nan
    return {
        **difference, "estimand": ROBUSTNESS, "headline": False, "unit": "probability", "std_error": np.nan,
        "estimate": robustness_value(difference["estimate"], cells.scale), "conf_low": at_limit, "conf_high": np.nan,
    }  # fmt: skip


def _moved(difference: Row, kind: str, variable: str, bias: float) -> Row:
    shift = -bias if kind == LOWEST else bias
    most = 1.0 if difference["estimand"] == "retention_difference" else np.inf
    ends = {
        name: float(np.clip(difference[name] + shift, -most, most))
        for name in ("estimate", "conf_low", "conf_high")
    }
    return {**difference, **ends, "headline": False, "scenario": f"{kind}={variable}"}


def _check(
    difference: Row, case: str, value: float = np.nan, more: Mapping[str, Fact] | None = None
) -> Check:
    """Say how far a confounder moves a difference, or why it is not known."""
    facts: dict[str, Fact] = {
        "case": case, "of": difference["estimand"], "reference": difference["reference"],
        "adjusted": difference["adjusted"], **(more or {}),
    }  # fmt: skip
    return Check("confounder", difference["model"], difference["group"], value, facts=facts)
