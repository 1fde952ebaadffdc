"""Rows and findings of grouped proportional hazards: hazard ratios, standardised retention, and what was checked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.spells import Spells, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.e_values import e_values, lost_e_values
from cxlink.estimands.estimand import NOT_LEADING
from cxlink.estimands.model_rows.coefficients import hazard_coefficients
from cxlink.estimands.support_checks import until
from cxlink.estimands.survival_estimands import leading_rows, survival_refusals, survival_rows
from cxlink.estimands.tidy import held, row
from cxlink.groups.group import contrasts_of, groups_of
from cxlink.groups.requests import Request
from cxlink.survival.hazards.grouped_ph import MODEL, GroupedPH, group_effects, grouped_ph, hazard_requests
from cxlink.survival.hazards.hazard_fit import HazardFit, Unestimated
from cxlink.survival.hazards.proportionality import FOLDS, Ratio, predictions, proportionality, trend

Row = dict[str, Any]
NOTABLE = 0.01
"""A difference of retention that departures from proportional hazards may make: a percentage point."""
THOUSAND = 1000


def hazard_results(
    spells: Spells, spec: CohortSpec, rng: np.random.Generator, *, leads: bool = False
) -> tuple[list[Row], list[Check], list[Row]]:
    """Everything that grouped proportional hazards say of a cohort.

    Parameters
    ----------
    spells : Spells
        The cohort; with a subscription.
    spec : CohortSpec
        Its groups, horizons, the score's effect, draws and level.
    rng : Generator
        Advanced.
    leads : bool
        Whether page one stands on the standardised rows; their E-values are then among the rows.

    Returns
    -------
    rows : list of dict
        ``hazard_ratio`` (``no``: by score alone; ``conditional``: strata in the model), and ``retention``, ``tenure``
        and their contrasts at the horizon and the steps of the ladder inside follow-up; scenario ``interacting``: the
        score's effect free in each category.
    findings : list of Check
        Of the diagnostics.
    coefficients : list of dict
        Of `hazard_coefficients`.
    """
    rows: list[Row] = []
    findings: list[Check] = []
    coefficients: list[Row] = []
    requests = hazard_requests(spells, spec)
    for request in requests:
        made = grouped_ph(spells, spec, request, spec.analysis.draws, rng)
        if isinstance(made, Unestimated):
            return rows, [_not_fitted(made, "")], []
        first = leads and request is requests[-1]
        rows += survival_rows(made.curves, spec, leading_rows(made.curves, spec) if first else NOT_LEADING)
        if first:
            rows += [*e_values(rows), *lost_e_values(made.curves, spec)]
        if request is requests[0] or len(spells.strata) > 1:
            rows += _ratios(spells, spec, made)
            coefficients += hazard_coefficients(made.fit, spells, spec, _adjusted(made))
        findings += [*_of_fit(made.fit, request, ""), *_followed(made, request, spec)]
        findings += survival_refusals(made.curves, spec)
    leading = requests[-1]
    if len(spells.strata) > 1 and len(spells.levels) > 1:
        more = _interacting(spells, spec, leading, rng)
        rows, findings, coefficients = rows + more[0], findings + more[1], coefficients + more[2]
    findings += [*_proportionality(spells, spec, leading), *_trend(spells, spec), *_predictions(spells, rng)]
    return rows, findings, coefficients


def _adjusted(made: GroupedPH) -> str:
    return "no" if made.curves.labels["adjusted"] == "no" else "conditional"


def _interacting(
    spells: Spells, spec: CohortSpec, request: Request, rng: np.random.Generator
) -> tuple[list[Row], list[Check], list[Row]]:
    """Standardised retention with the score's effect free in each category of each variable."""
    asked = replace(
        request,
        times=np.array([0, spec.horizon]),
        horizons=(),
        labels={**request.labels, "scenario": "interacting"},
    )
    made = grouped_ph(spells, spec, asked, spec.analysis.draws, rng, interacting=True)
    if isinstance(made, Unestimated):
        return [], [_not_fitted(made, "interacting")], []
    found = _of_fit(made.fit, request, "interacting")
    coefficients = hazard_coefficients(made.fit, spells, spec, "interacting")
    return survival_rows(made.curves, spec), list(found), coefficients


def _ratios(spells: Spells, spec: CohortSpec, made: GroupedPH) -> Iterator[Row]:
    """Hazard ratios of the contrasts: a band's is that of the mean log hazard of its levels."""
    effects = group_effects(spells, spec, made)
    sizes = {standard: g for g, standard in enumerate(made.curves.groups)}
    adjusted = _adjusted(made)
    for group, reference in contrasts_of(groups_of(spells, spec), spec):
        if not {group, reference} <= set(sizes):
            continue
        (a, a_draws), (b, b_draws) = effects[group], effects[reference]
        at = sizes[group]
        with np.errstate(over="ignore"):
            shown = row(
                "hazard_ratio", np.exp(a - b), np.exp(a_draws - b_draws), spec.analysis.level, "ratio", model=MODEL,
                group=group, reference=reference, adjusted=adjusted, n=int(made.curves.n[at]),
                n_events=int(made.curves.n_events[at]),
            )  # fmt: skip
        yield held(shown) if made.curves.sparse[[at, sizes[reference]]].any() else shown


def _not_fitted(made: Unestimated, scenario: str) -> Check:
    facts: dict[str, Fact] = {"case": "hazards", "reason": made.reason, **made.facts}
    return Check(
        "not_fitted", MODEL, passed=None if scenario else False, facts={**facts, "scenario": scenario}
    )


def _of_fit(fit: HazardFit, request: Request, scenario: str) -> Iterator[Check]:
    """Name the effects that are held by a penalty, and those left out."""
    for code, terms in (("penalised", fit.penalised), ("left_out", fit.design.dropped)):
        for term in terms:
            group = fit.design.groups.get(term, "")
            facts = {"term": term, "adjusted": request.labels["adjusted"], "scenario": scenario}
            yield Check(code, MODEL, group, facts=facts)


def _followed(made: GroupedPH, request: Request, spec: CohortSpec) -> Iterator[Check]:
    if made.covered >= 1 - 1e-9:
        return
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    facts = {"reference": reference, "adjusted": request.labels["adjusted"], **until(spec)}
    yield Check("followed", MODEL, group, made.covered, facts=facts)


def _proportionality(spells: Spells, spec: CohortSpec, request: Request) -> Iterator[Check]:
    found = proportionality(spells, spec, request)
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    if found is None:
        yield Check("proportionality", MODEL, group, facts={"case": "few", "reference": reference})
        return
    case = "signup" if (spells.entry > 0).any() else "survey"
    yield _with_interval("proportionality", group, found.per_doubling, {"case": case, "reference": reference})
    if not np.isnan(found.moved):
        yield Check(
            "proportionality_contrast", MODEL, group, found.moved, bound=NOTABLE,
            passed=abs(found.moved) <= NOTABLE, facts={"reference": reference, **until(spec)},
        )  # fmt: skip


def _with_interval(code: str, group: str, ratio: Ratio, facts: dict[str, Fact]) -> Check:
    return Check(code, MODEL, group, ratio.estimate, ratio.conf_low, ratio.conf_high, facts=facts)


def _trend(spells: Spells, spec: CohortSpec) -> Iterator[Check]:
    found = trend(person_periods(spells), spec.analysis.level)
    if found is not None:
        yield _with_interval("trend", "", found, {"z": found.z, "p": found.p})


def _predictions(spells: Spells, rng: np.random.Generator) -> Iterator[Check]:
    found = predictions(spells, rng) if len(spells.levels) > 1 else []
    for one in found:
        if one.effect == "levels":
            facts: dict[str, Fact] = {"effect": "levels", "folds": FOLDS}
            yield Check("log_score", MODEL, value=THOUSAND * one.per_customer, facts=facts)
        else:
            facts = {"effect": one.effect, "std_error": THOUSAND * one.std_error}
            yield Check("log_score_gain", MODEL, value=THOUSAND * one.gain, facts=facts)
