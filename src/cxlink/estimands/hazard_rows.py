"""Rows and findings of grouped proportional hazards: hazard ratios, standardised retention, and what was checked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.cohort.count.spells import Spells, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.coefficients import hazard_coefficients
from cxlink.estimands.e_values import e_values, lost_e_values
from cxlink.estimands.estimand import NOT_LEADING
from cxlink.estimands.support_checks import finding
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
) -> tuple[list[Row], list[Row], list[Row]]:
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
    findings : list of dict
        Rows of the diagnostics.
    coefficients : list of dict
        Of `hazard_coefficients`.
    """
    rows: list[Row] = []
    findings: list[Row] = []
    coefficients: list[Row] = []
    requests = hazard_requests(spells, spec)
    for request in requests:
        made = grouped_ph(spells, spec, request, spec.analysis.draws, rng)
        if isinstance(made, Unestimated):
            return rows, [finding(MODEL, "fit", "", np.nan, False, f"Not fitted: {made.reason}.")], []
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
) -> tuple[list[Row], list[Row], list[Row]]:
    """Standardised retention with the score's effect free in each category of each variable."""
    asked = replace(
        request,
        times=np.array([0, spec.horizon]),
        horizons=(),
        labels={**request.labels, "scenario": "interacting"},
    )
    made = grouped_ph(spells, spec, asked, spec.analysis.draws, rng, interacting=True)
    if isinstance(made, Unestimated):
        return [], [finding(MODEL, "fit", "interacting", np.nan, None, f"Not fitted: {made.reason}.")], []
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


def _of_fit(fit: HazardFit, request: Request, scenario: str) -> Iterator[Row]:
    """Name the effects that are held by a penalty, and those left out."""
    kind = scenario or ("" if request.labels["adjusted"] == "no" else request.labels["adjusted"])
    penalised = (
        "losses only, none, or not to be told from another effect: a weak log-F(1,1) penalty holds its log hazard "
        "ratio against the cohort, and its draws follow the penalised likelihood"
    )
    left_out = "left out: nobody is in such a cell, or the counts cannot tell it from other effects"
    for quantity, names, note in (
        ("penalised", fit.penalised, penalised),
        ("left_out", fit.design.dropped, left_out),
    ):
        for name in names:
            level = name.removeprefix("score ")
            group = level if level.lstrip("-").isdigit() else name
            yield finding(MODEL, quantity, f"{group}, {kind}" if kind else group, np.nan, None, note)


def _followed(made: GroupedPH, request: Request, spec: CohortSpec) -> Iterator[Row]:
    if made.covered >= 1 - 1e-9:
        return
    kind = "" if request.labels["adjusted"] != "no" else ", unadjusted"
    note = f"share of the customers averaged over who can be followed for {spec.horizon} {spec.unit}s: rows are theirs"
    yield finding(MODEL, "followed", f"{spec.analysis.contrasts[0]}{kind}", made.covered, None, note)


def _proportionality(spells: Spells, spec: CohortSpec, request: Request) -> Iterator[Row]:
    found = proportionality(spells, spec, request)
    contrast = spec.analysis.contrasts[0]
    if found is None:
        note = "not judged: the two groups, or the periods with losses, are too few"
        yield finding(MODEL, "proportionality", contrast, np.nan, None, note)
        return
    start = "signup" if (spells.entry > 0).any() else "the score"
    note = f"what the hazard ratio is multiplied by when the time since {start} doubles (score × log time)"
    yield from _with_interval("proportionality", contrast, found.per_doubling, note)
    if not np.isnan(found.moved):
        note = (
            f"what that interaction adds to the difference of retention at {spec.horizon} {spec.unit}s; no more than a "
            "percentage point either way is called proportional"
        )
        moved = found.moved
        yield finding(MODEL, "proportionality_contrast", contrast, moved, abs(moved) <= NOTABLE, note)


def _with_interval(quantity: str, group: str, ratio: Ratio, note: str) -> Iterator[Row]:
    yield finding(MODEL, quantity, group, ratio.estimate, None, note)
    for name, end in (("lower", ratio.conf_low), ("upper", ratio.conf_high)):
        yield finding(MODEL, f"{quantity}_{name}", group, end, None, f"{name} end of its interval")


def _trend(spells: Spells, spec: CohortSpec) -> Iterator[Row]:
    found = trend(person_periods(spells), spec.analysis.level)
    if found is None:
        return
    note = "hazard ratio of one step of the score towards better, strata additive"
    yield from _with_interval("trend", "", found, note)
    yield finding(MODEL, "trend_z", "", found.z, None, "Wald's test of a trend over the ordered scores")
    yield finding(MODEL, "trend_p", "", found.p, None, "its two-sided probability without any trend")


def _predictions(spells: Spells, rng: np.random.Generator) -> Iterator[Row]:
    found = predictions(spells, rng) if len(spells.levels) > 1 else []
    for one in found:
        if one.effect == "levels":
            note = (
                f"log score per 1,000 customers held out ({FOLDS} folds), each level free; higher is better"
            )
            yield finding(MODEL, "log_score", "levels", THOUSAND * one.per_customer, None, note)
            continue
        note = "log score per 1,000 customers held out, less that of free levels; over 0 predicts better"
        yield finding(MODEL, "log_score_gain", one.effect, THOUSAND * one.gain, None, note)
        yield finding(
            MODEL, "log_score_gain_error", one.effect, THOUSAND * one.std_error, None, "its standard error"
        )
