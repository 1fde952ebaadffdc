"""The proof of surveys counted in other ways: truths by enumeration, the same of a drawn cohort, rules."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.spells import spells_of
from cxlink.groups.standardisation import standardised
from validation.survey_laws import FOLLOWED as FALLING_FOLLOWED
from validation.survey_laws import survey_laws
from validation.wave_page import ERRORS, LARGE, PLANNED, verdicts, wave_page
from validation.wave_proof import DRAWN, SIZES, TENDS_TO, cells, drawn, results, tallied
from validation.wave_standards import additive_curves, expected_counts, observed_curves, standard_values
from validation.wave_truths import (
    AT_RISK,
    FOLLOWED,
    HORIZON,
    MAIN,
    PER_CUSTOMER,
    UNTIL_NEXT,
    change_truths,
    expected,
    level_truths,
    wave_laws,
)

LAWS = wave_laws()
N = 60_000


@pytest.fixture(scope="module", params=LAWS)
def surveys(request: pytest.FixtureRequest) -> tuple[str, pd.DataFrame]:
    made = LAWS[request.param].surveys(N, np.random.default_rng(4))
    ahead = (made.groupby("customer")["wave"].shift(-1) - made["wave"]) * 4
    share = 1 / made.groupby("customer")["score"].transform("size")
    return request.param, made.assign(until=np.fmin(made["followed"], ahead), share=share)


def _curve(rows: pd.DataFrame, ends: str, weight: pd.Series) -> float:
    """Kaplan–Meier to the horizon, by hand."""
    left = 1.0
    for month in range(1, HORIZON + 1):
        there = (rows["stayed"] >= month) & (rows[ends] >= month)
        left *= 1 - weight[there & (rows["stayed"] == month)].sum() / weight[there].sum()
    return left


@pytest.mark.parametrize("scenario", [UNTIL_NEXT, PER_CUSTOMER, MAIN])
def test_truths_are_what_a_large_cohort_shows(surveys: tuple[str, pd.DataFrame], scenario: str) -> None:
    """By level, within four standard errors of a binomial share of as many surveys."""
    name, rows = surveys
    ends = "until" if scenario == UNTIL_NEXT else "followed"
    weight = rows["share"] if scenario == PER_CUSTOMER else pd.Series(1.0, rows.index)
    for level, truth in level_truths(LAWS[name], scenario).items():
        own = rows[rows["score"] == int(level)]
        n = weight[own.index].sum() ** 2 / (weight[own.index] ** 2).sum()
        error = 2 * np.sqrt(truth * (1 - truth) / n)  # censored surveys, and several of a customer
        assert _curve(own, ends, weight[own.index]) == pytest.approx(truth, abs=4 * error)


def test_surveys_and_customers_add_up() -> None:
    for law in LAWS.values():
        sizes = {way: expected(law, way)[AT_RISK[0]].sum() for way in (MAIN, UNTIL_NEXT, PER_CUSTOMER)}
        assert sizes[UNTIL_NEXT] == pytest.approx(sizes[MAIN], rel=1e-10)
        assert sizes[PER_CUSTOMER] < 1 < sizes[MAIN] < 3
        own = expected(law, PER_CUSTOMER)
        assert expected_counts(law, PER_CUSTOMER).cells["n"].sum() == pytest.approx(
            1e8 * own[AT_RISK[0]].sum(), rel=1e-9
        )


def test_where_the_score_acts_what_is_asked_is_retention_without_another_survey() -> None:
    law = LAWS["acts"]
    own = expected(law, UNTIL_NEXT)
    unasked = own.groupby("score")["unasked"].sum() / own.groupby("score")[AT_RISK[0]].sum()
    for level, truth in level_truths(law, UNTIL_NEXT).items():
        hazard = -np.expm1(-np.exp(-2.6 - 0.3 * (int(level) - 3)))
        assert truth == pytest.approx((1 - hazard) ** HORIZON, abs=1e-10)
        assert unasked[int(level)] == pytest.approx(truth, abs=1e-10)
    group, reference = change_truths(law, UNTIL_NEXT)["fall", "present"]
    assert group == pytest.approx(reference, abs=1e-10)
    observed, additive = observed_curves(law, UNTIL_NEXT), additive_curves(law, UNTIL_NEXT)
    assert all(additive[key] == pytest.approx(value, abs=1e-5) for key, value in observed.items())


def test_the_other_proof_keeps_its_laws() -> None:
    assert {law.followed for law in survey_laws().values()} == {FALLING_FOLLOWED}
    assert {law.followed for law in LAWS.values()} == {FOLLOWED}


def test_values_over_a_cohorts_own_strata_are_averages_of_curves() -> None:
    cut = drawn(LAWS["stable"], 3_000, np.random.default_rng(3))[1]
    spells = spells_of(cut)
    request = standardised(spells, cut.spec, None)
    assert request is not None
    flat = dict.fromkeys(observed_curves(LAWS["stable"], UNTIL_NEXT), 0.5)
    values = standard_values(flat, spells, request, extrapolated=True)
    assert values == pytest.approx([0.5] * len(values), abs=1e-12)


@pytest.mark.long
def test_cohorts_of_a_law_are_tallied_under_both_scenarios() -> None:
    assert len({one.seed for one in cells()}) == len(cells()) == len(DRAWN) * len(SIZES)
    one = cells()[0]
    table = results([(one, tallied("stable", 1_500, 2, np.random.default_rng(2)))])
    assert set(table["way"]) == {UNTIL_NEXT, PER_CUSTOMER}
    assert set(table["adjusted"]) == {"no", "standardised", TENDS_TO}
    assert set(table["change"]) == {
        "", "fall_given_last", "fall_given_present", "rise_given_last", "rise_given_present",
    }  # fmt: skip
    assert (table["made"] == 2).all()
    lines = "\n".join(wave_page(table.assign(cohorts=2)).lines)
    assert f"2 of the {PLANNED}" in lines


def _table(made: int = PLANNED, **changed: object) -> pd.DataFrame:
    shared = {
        "process": "stable",
        "way": UNTIL_NEXT,
        "adjusted": "no",
        "change": "",
        "coverage": 0.95,
        "errors": 1.0,
    }
    return pd.DataFrame([{**shared, "cohorts": made, "customers": n, **changed} for n in SIZES])


@pytest.mark.parametrize(
    ("changed", "held"),
    [
        ({}, True), ({"coverage": 0.909}, False), ({"coverage": 0.911}, True), ({"coverage": 0.995}, False),
        ({"errors": ERRORS[0] - 0.01}, False), ({"errors": ERRORS[1] + 0.01}, False),
        ({"coverage": 0.995, "customers": 1_500}, True), ({"coverage": 0.885, "customers": 1_500}, False),
        ({"errors": 2.0, "customers": 1_500}, True),
        ({"made": 50, "coverage": 0.87}, True), ({"made": 50, "coverage": 0.84}, False),
        ({"made": 50, "errors": 0.75}, True), ({"made": 50, "errors": 0.65}, False),
    ],
)  # fmt: skip
def test_rules_bite(changed: dict[str, object], held: bool) -> None:
    assert max(SIZES) == LARGE
    (verdict,) = verdicts(_table(**changed))  # type: ignore[arg-type]
    assert verdict.held is held
