"""Rows and checks of scores that changed since the survey before: the two contrasts of a fall and of a rise.

Beside curves by level, grouped proportional hazards take over where the compared groups are too small.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.estimands.estimand import NOT_LEADING
from cxlink.estimands.fallback import thin
from cxlink.estimands.headline import headline_of
from cxlink.estimands.model_rows.hazard_rows import hazard_ratios
from cxlink.estimands.model_rows.quarter_checks import quarter_checks
from cxlink.estimands.model_rows.survey_checks import level_or_change, who_answered_again, who_changed
from cxlink.estimands.over_clusters.clustered_rows import Clustering
from cxlink.estimands.support_checks import LEAST_SUPPORT
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.groups.changed_scores import (
    CHANGED,
    CONTRAST,
    ChangedScores,
    changed_scores,
)
from cxlink.groups.effective_buckets import effective_buckets
from cxlink.groups.headline_requests import reported_periods
from cxlink.groups.requests import Request, by_level, narrowed, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.survival.proportional_hazards.grouped_ph import grouped_ph
from cxlink.survival.proportional_hazards.hazard_fit import Unestimated
from cxlink.survival.proportional_hazards.robust_errors import Covariance

Row = dict[str, Any]
_REPORTED = ("retention", "retention_difference", "retention_ratio", "hazard_ratio")


@dataclass(frozen=True, slots=True, eq=False)
class ChangeResults:
    """What changes of the score tell.

    Attributes
    ----------
    rows : list of dict
        ``retention`` of ``fell`` (``rose``) and of ``stayed``, their difference, ratio and hazard ratio; scenario
        ``fall_given_last``, ``fall_given_present``, ``rise_given_last``, ``rise_given_present``: within levels of the
        score before, or of the present one.
    checks : list of Check
    """

    rows: list[Row]
    checks: list[Check]


def change_results(counts: Counts, rng: np.random.Generator) -> ChangeResults:
    """Estimate what a fall and a rise of the score tell of retention.

    Parameters
    ----------
    counts : Counts
        Of a cohort whose surveys all count.
    rng : Generator
        Its children are advanced.
    """
    checks = [*who_changed(counts), *who_answered_again(counts)]
    rows: list[Row] = []
    for compared, stream in zip(changed_scores(counts), rng.spawn(4), strict=False):
        found, more = contrast_results(compared, stream)
        rows += found
        checks.append(more)
    (stream,) = rng.spawn(1)
    return ChangeResults(rows, [*checks, *level_or_change(counts), *quarter_checks(counts, stream)])


def contrast_results(compared: ChangedScores, rng: np.random.Generator) -> tuple[list[Row], Check]:
    """Estimate one contrast by both models.

    Parameters
    ----------
    compared : ChangedScores
        The two groups.
    rng : Generator
        Its children are advanced.

    Returns
    -------
    rows : list of dict
        As in `ChangeResults`.
    check : Check
        ``score_change``: the model that leads, with its difference at the horizon.
    """
    observed, modelled = rng.spawn(2)
    curves, share = compared.supported(compared.counts.spec.horizon)
    rows, leads = _observed(curves, observed) if curves is not None else ([], False)
    leads = leads and share >= LEAST_SUPPORT
    rows += _additive(compared, modelled, leads=not leads)
    found = [_named(row, compared) for row in rows if _is_reported(row, compared.counts.spec.horizon)]
    return found, _contrast_check(compared, found, "kaplan_meier" if leads else "grouped_ph", share)


def leading_contrast(compared: ChangedScores, rng: np.random.Generator) -> list[Row]:
    """Estimate one contrast at the horizon by the model that leads alone; rows as in `ChangeResults`."""
    observed, modelled = rng.spawn(2)
    horizon = compared.counts.spec.horizon
    curves, share = compared.supported(horizon)
    rows, leads = _observed(curves, observed) if curves is not None else ([], False)
    if not leads or share < LEAST_SUPPORT:
        rows = _additive(compared, modelled, leads=True)
    found = [_named(row, compared) for row in rows if _is_reported(row, horizon)]
    return [row for row in found if row.get("horizon") == horizon]


def _observed(compared: ChangedScores, rng: np.random.Generator) -> tuple[list[Row], bool]:
    """Kaplan–Meier by level, and whether it has customers enough to lead."""
    counts, spells, spec = compared.counts, compared.spells, compared.counts.spec
    times = np.array([0, *reported_periods(min(spells.n_periods, spec.horizon), spec.horizon)])
    asked = _request(standardised(spells, spec, reaches(spells, spec.horizon)) or pooled(spells, spec), times)
    if asked is None:
        return [], False
    rows, findings = headline_of(spells, counts, [asked], [], rng)
    return _over_buckets(compared, rows), not thin(findings, "kaplan_meier", spec)


def _additive(compared: ChangedScores, rng: np.random.Generator, *, leads: bool) -> list[Row]:
    """Proportional hazards: one hazard ratio of the changed scores, levels and strata additive."""
    spells, spec = compared.spells, compared.counts.spec
    request = standardised(spells, spec, None) or by_level(spells, spec)
    asked = _request(
        request, np.array([0, *reported_periods(min(spells.n_periods, spec.horizon), spec.horizon)])
    )
    if asked is None:
        return []
    covariance: Covariance = "jackknife" if leads and spells.buckets is not None else "robust"
    fitted = grouped_ph(spells, spec, asked, spec.analysis.draws, rng, covariance=covariance)
    if isinstance(fitted, Unestimated):
        return []
    curves = replace(
        fitted.curves, observed=leads
    )  # a curve of every period where the picture is drawn from it
    rows = [*survival_rows(curves, spec, NOT_LEADING), *hazard_ratios(spells, spec, fitted)]
    return _over_buckets(compared, rows)


def _over_buckets(compared: ChangedScores, rows: list[Row]) -> list[Row]:
    """Intervals that customers with several surveys allow."""
    buckets = effective_buckets(compared.counts)
    if buckets is not None:
        buckets = replace(buckets, standard=(CHANGED,))
    return Clustering(compared.counts, buckets).rows(rows)


def _request(request: Request | None, times: np.ndarray) -> Request | None:
    """Ask for the two groups and their contrast alone."""
    if request is None:
        return None
    names = [standard.group for standard in request.standards]
    pairs = [pair for pair in request.contrasts if tuple(names[g] for g in pair) == CONTRAST]
    if not pairs:
        return None
    two = narrowed(replace(request, contrasts=tuple(pairs[:1])), {g: request.standards[g] for g in pairs[0]})
    return replace(two, own=(0, 1), times=times, horizons=(), later=())


def _is_reported(row: Row, horizon: int) -> bool:
    sides = (row["group"], row.get("reference") or CONTRAST[1])
    inside = row.get("horizon") is None or row["horizon"] <= horizon
    return row["estimand"] in _REPORTED and inside and not row.get("scenario") and sides[1] in CONTRAST[1:]


def _named(row: Row, compared: ChangedScores) -> Row:
    names = {**compared.names, "": ""}
    sides = {side: names[row.get(side) or ""] for side in ("group", "reference")}
    return {**row, **sides, "scenario": compared.scenario, "headline": False}


def _contrast_check(compared: ChangedScores, rows: list[Row], model: str, share: float) -> Check:
    """Which model leads; the difference, held against 0, with the number of changed scores and the share covered."""
    spec = compared.counts.spec
    name = compared.names[CONTRAST[0]]
    covered = share if model == "kaplan_meier" else 1.0
    own = [
        row for row in rows
        if (row["estimand"], row["model"], row["group"]) == ("retention_difference", model, name)
        and row.get("horizon") == spec.horizon
    ]  # fmt: skip
    n = int(compared.counts.cells.loc[compared.counts.cells["score"] == CHANGED, "n"].sum())
    facts: dict[str, Fact] = {"scenario": compared.scenario, "reference": "stayed", "surveys": n, "covered": covered,
             "horizon": spec.horizon, "unit": spec.unit}  # fmt: skip
    if not own:
        return Check("score_change", model, name, facts=facts)
    low, high = own[0]["conf_low"], own[0]["conf_high"]
    facts["std_error"] = float(own[0]["std_error"])
    return Check("score_change", model, name, own[0]["estimate"], low, high, facts=facts)
