"""Rows and checks of grouped proportional hazards: hazard ratios, standardised retention, diagnostics."""

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
from cxlink.estimands.simultaneous import Member, in_family, simultaneous_rows
from cxlink.estimands.support_checks import until
from cxlink.estimands.survival_estimands import leading_rows, survival_refusals, survival_rows
from cxlink.estimands.tidy import row, widened_to_contain
from cxlink.groups.group import contrasts_of, groups_of
from cxlink.groups.requests import Request
from cxlink.survival.proportional_hazards.effect_shapes import FOLDS, predictions
from cxlink.survival.proportional_hazards.grouped_ph import MODEL, GroupedPH, group_effects, grouped_ph
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, Unestimated
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests
from cxlink.survival.proportional_hazards.proportionality import Ratio, proportionality, trend
from cxlink.survival.proportional_hazards.robust_errors import Covariance
from cxlink.survival.proportional_hazards.yearly_ratios import yearly_ratios

Row = dict[str, Any]
NOTABLE = 0.01
"""Difference of retention that non-proportional hazards may cause without failing the check: a percentage point."""
STEADY = 1.25
"""A hazard ratio may be extrapolated to a horizon if it changes by no more than a quarter until then."""
THOUSAND = 1000


def hazard_results(
    spells: Spells, spec: CohortSpec, rng: np.random.Generator, *, leads: bool = False
) -> tuple[list[Row], list[Check], list[Row]]:
    """Estimates, checks and coefficients of grouped proportional hazards.

    Parameters
    ----------
    spells : Spells
        The cohort; with a subscription.
    spec : CohortSpec
        Its groups, horizons, the score's effect, draws and level.
    rng : Generator
        Advanced.
    leads : bool
        Whether the standardised rows are the headline; their E-values are then among the rows.

    Returns
    -------
    rows : list of dict
        ``hazard_ratio`` (``no``: by score alone; ``conditional``: strata in the model), and ``retention``, ``tenure``
        and their contrasts at the horizon and the steps of the ladder inside follow-up; scenario ``interacting``: the
        score's effect free in each category.
    findings : list of Check
        Rows of the diagnostics.
    coefficients : list of dict
        Rows of `hazard_coefficients`.
    """
    rows: list[Row] = []
    findings: list[Check] = []
    coefficients: list[Row] = []
    requests = hazard_requests(spells, spec)
    for request in requests:
        is_leading = leads and request is requests[-1]
        covariance: Covariance = "jackknife" if is_leading and spells.buckets is not None else "robust"
        fitted = grouped_ph(spells, spec, request, spec.analysis.draws, rng, covariance=covariance)
        if isinstance(fitted, Unestimated):
            return rows, [_not_fitted(fitted, "")], []
        rows += survival_rows(
            fitted.curves, spec, leading_rows(fitted.curves, spec) if is_leading else NOT_LEADING
        )
        if is_leading:
            rows += [*e_values(rows), *lost_e_values(fitted.curves, spec)]
        if request is requests[0] or len(spells.strata) > 1:
            rows += hazard_ratios(spells, spec, fitted)
            coefficients += hazard_coefficients(fitted.fit, spells, spec, _adjusted(fitted))
        findings += [*_of_fit(fitted.fit, request, ""), *_followed(fitted, request, spec)]
        findings += survival_refusals(fitted.curves, spec)
    leading = requests[-1]
    if len(spells.strata) > 1 and len(spells.levels) > 1:
        extra = _interacting(spells, spec, leading, rng)
        rows, findings, coefficients = rows + extra[0], findings + extra[1], coefficients + extra[2]
    findings += [*_proportionality(spells, spec, leading), *_trend(spells, spec), *_predictions(spells, rng)]
    rows += _yearly(spells, spec, "conditional" if len(spells.strata) > 1 else "no", rng)
    return rows, findings, coefficients


def _adjusted(fitted: GroupedPH) -> str:
    return "no" if fitted.curves.labels["adjusted"] == "no" else "conditional"


def _interacting(
    spells: Spells, spec: CohortSpec, request: Request, rng: np.random.Generator
) -> tuple[list[Row], list[Check], list[Row]]:
    """Standardised retention with the score's effect free in each category of each variable."""
    at_horizon = replace(
        request,
        times=np.array([0, spec.horizon]),
        horizons=(),
        labels={**request.labels, "scenario": "interacting"},
        later=(),
    )
    fitted = grouped_ph(spells, spec, at_horizon, spec.analysis.draws, rng, interacting=True)
    if isinstance(fitted, Unestimated):
        return [], [_not_fitted(fitted, "interacting")], []
    checks = _of_fit(fitted.fit, request, "interacting")
    coefficients = hazard_coefficients(fitted.fit, spells, spec, "interacting")
    return survival_rows(fitted.curves, spec), list(checks), coefficients


def hazard_ratios(spells: Spells, spec: CohortSpec, fitted: GroupedPH) -> Iterator[Row]:
    """Hazard ratios of the contrasts: a band's is that of the mean log hazard of its levels."""
    effects = group_effects(spells, spec, fitted)
    sizes = {standard: g for g, standard in enumerate(fitted.curves.groups)}
    adjusted = _adjusted(fitted)
    family: list[Member] = []
    for group, reference in contrasts_of(groups_of(spells, spec), spec):
        if not {group, reference} <= set(sizes):
            continue
        (a, a_draws), (b, b_draws) = effects[group], effects[reference]
        at = sizes[group]
        columns = {
            "model": MODEL, "group": group, "reference": reference, "adjusted": adjusted,
            "n": int(fitted.curves.n[at]), "n_events": int(fitted.curves.n_events[at]),
        }  # fmt: skip
        penalised = bool(fitted.curves.sparse[[at, sizes[reference]]].any())
        with np.errstate(over="ignore"):
            point, draws = float(np.exp(a - b)), np.exp(a_draws - b_draws)
        ratio = row("hazard_ratio", point, draws, spec.analysis.level, "ratio", **columns)
        yield held(ratio, spec) if penalised else ratio
        if in_family(group, reference):
            family.append(Member(point, draws, columns))
    if spec.cluster_column is None:
        yield from simultaneous_rows("hazard_ratio", "ratio", family, spec.analysis.level)


def held(estimate: Row, spec: CohortSpec) -> Row:
    """Widen the interval of a penalised effect to hold the estimate; of clustered customers it has none."""
    if spec.cluster_column is None:
        return widened_to_contain(estimate)
    return {**estimate, "std_error": np.nan, "conf_low": np.nan, "conf_high": np.nan}


def _not_fitted(failure: Unestimated, scenario: str) -> Check:
    facts: dict[str, Fact] = {"case": "hazards", "reason": failure.reason, **failure.facts}
    return Check(
        "not_fitted", MODEL, passed=None if scenario else False, facts={**facts, "scenario": scenario}
    )


def _of_fit(fit: HazardFit, request: Request, scenario: str) -> Iterator[Check]:
    """Effects with a penalty, and those omitted."""
    for code, terms in (("penalised", fit.penalised), ("left_out", fit.design.dropped)):
        for term in terms:
            group = fit.design.groups.get(term, "")
            facts = {"term": term, "adjusted": request.labels["adjusted"], "scenario": scenario}
            yield Check(code, MODEL, group, facts=facts)


def _followed(fitted: GroupedPH, request: Request, spec: CohortSpec) -> Iterator[Check]:
    if fitted.covered >= 1 - 1e-9:
        return
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    facts = {"reference": reference, "adjusted": request.labels["adjusted"], **until(spec)}
    yield Check("followed", MODEL, group, fitted.covered, facts=facts)


def _proportionality(spells: Spells, spec: CohortSpec, request: Request) -> Iterator[Check]:
    departure = proportionality(spells, spec, request)
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    if departure is None:
        yield Check("proportionality", MODEL, group, facts={"case": "few", "reference": reference})
        return
    case = "signup" if (spells.entry > 0).any() else "survey"
    yield _with_interval(
        "proportionality", group, departure.per_doubling, {"case": case, "reference": reference}
    )
    for shift in departure.shifts:
        facts: dict[str, Fact] = {"reference": reference, "horizon": shift.horizon, "unit": spec.unit}
        passed = abs(shift.moved) <= NOTABLE
        yield Check(
            "proportionality_contrast", MODEL, group, shift.moved, bound=NOTABLE, passed=passed, facts=facts
        )
    for horizon, ratio in departure.ahead.items():
        facts = {
            "reference": reference,
            "horizon": horizon,
            "unit": spec.unit,
            "followed": departure.followed,
        }
        yield replace(
            _with_interval("proportionality_ahead", group, ratio, facts), bound=STEADY, passed=_steady(ratio)
        )


def _steady(ratio: Ratio) -> bool | None:
    """Whether a ratio may be extrapolated as it is: None where the counts do not tell."""
    if max(ratio.conf_high, 1 / ratio.conf_low) <= STEADY:
        return True
    changes = max(ratio.estimate, 1 / ratio.estimate) > STEADY and not ratio.conf_low <= 1 <= ratio.conf_high
    return False if changes else None


def _yearly(spells: Spells, spec: CohortSpec, adjusted: str, rng: np.random.Generator) -> Iterator[Row]:
    """Hazard ratio of the headline contrast by year; nothing where only one year has losses."""
    years = list(yearly_ratios(spells, spec, rng, adjusted=adjusted != "no"))
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    for one in years if len(years) > 1 else ():
        with np.errstate(over="ignore"):
            shown = row(
                "hazard_ratio", np.exp(one.point), np.exp(one.draws), spec.analysis.level, "ratio", model=MODEL,
                group=group, reference=reference, adjusted=adjusted, scenario=f"year={one.year}", n=one.n,
                n_events=one.n_events,
            )  # fmt: skip
        yield held(shown, spec) if one.penalised else shown


def _with_interval(code: str, group: str, ratio: Ratio, facts: dict[str, Fact]) -> Check:
    return Check(code, MODEL, group, ratio.estimate, ratio.conf_low, ratio.conf_high, facts=facts)


def _trend(spells: Spells, spec: CohortSpec) -> Iterator[Check]:
    slope = trend(person_periods(spells), spec.analysis.level)
    if slope is not None:
        yield _with_interval("trend", "", slope, {"z": slope.z, "p": slope.p})


def _predictions(spells: Spells, rng: np.random.Generator) -> Iterator[Check]:
    scores = predictions(spells, rng) if len(spells.levels) > 1 else []
    for score in scores:
        if score.effect == "levels":
            facts: dict[str, Fact] = {"effect": "levels", "folds": FOLDS}
            yield Check("log_score", MODEL, value=THOUSAND * score.per_customer, facts=facts)
        else:
            facts = {"effect": score.effect, "std_error": THOUSAND * score.std_error}
            yield Check("log_score_gain", MODEL, value=THOUSAND * score.gain, facts=facts)
