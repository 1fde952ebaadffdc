"""Hazard ratios and regressions of spend against R's glm and sandwich: README.md beside this file."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from combined_means import combined_means
from stored import agree, beside, estimates_of, number, numbers, rows_of, spec_of

import cxlink
from cxlink.cohort.count.spells import PersonPeriods, Spells, merged_over_strata, person_periods, spells_of
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.estimands.tidy import select, tidy
from cxlink.spend.fitted_regressions import SpendFit, Term
from cxlink.spend.regressions import fit_spend
from cxlink.spend.standardised_means import spend_question
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, group_effects, grouped_ph
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards, score_rows
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests

# Searches on both sides, stopped at gradients that differ.
SEARCHED = 1e-7
DRAWS = 2000
# Four standard errors of a standard deviation of that many draws, near to normal: 4 / √(2·draws).
OF_DRAWS = 4 / np.sqrt(2 * DRAWS)
TIMES = 100
DELTA = 1e-5
COINSURANCE = ("00%", "100%", "25%", "50%", "95%")
HAZARDS = ("lung", "flchain", "mgus")
LAYERS = {
    "poisson": ("poisson",),
    "gamma": ("quasi_gamma",),
    "two_part": ("spender", "gamma"),
    "log_ols": ("spender", "log_ols", "log_smearing"),
}

# families have R's numbers of their own, in tests/survival/families
pytestmark = pytest.mark.usefixtures("few_families")


@pytest.fixture(scope="module")
def spells() -> dict[str, Spells]:
    return {c: spells_of(cxlink.read_cohort(rows_of(c), spec_of(c)).count()) for c in HAZARDS}


def _fitted(periods: PersonPeriods, **how: object) -> HazardFit:
    found = fit_hazards(periods, **how, covariance="model")
    assert isinstance(found, HazardFit)
    return found


@pytest.mark.parametrize("case", HAZARDS)
@pytest.mark.parametrize("quantity", ["log_hazard_ratio", "unadjusted_log_hazard_ratio"])
def test_hazard_ratios_are_those_of_a_cloglog_glm(
    spells: dict[str, Spells], case: str, quantity: str
) -> None:
    periods = person_periods(spells[case])
    fit = _fitted(merged_over_strata(periods) if quantity.startswith("unadjusted") else periods)
    theirs = numbers("hazards", case, quantity)
    theirs = theirs[theirs["group"] != "best"]
    assert len(theirs) == len(periods.levels) - 1
    rows, n = score_rows(fit), fit.design.n_score
    # the first level is the worst one
    against = rows[[periods.levels.index(int(group)) for group in theirs["group"]]] - rows[0]
    errors = np.sqrt(np.einsum("ki,ij,kj->k", against, fit.covariance[:n, :n], against))
    np.testing.assert_allclose(against @ fit.solution.beta[:n], theirs["estimate"], rtol=0, atol=SEARCHED)
    np.testing.assert_allclose(errors, theirs["std_error"], rtol=SEARCHED)


@pytest.mark.parametrize("case", HAZARDS)
def test_trends_interactions_and_effects_that_change_with_time_are_a_cloglog_glms(
    spells: dict[str, Spells], case: str
) -> None:
    periods = person_periods(spells[case])
    score = np.array(periods.levels)[periods.level]
    by_time = score[:, None] * np.arange(1.0, periods.at_risk.shape[1] + 1)
    fits = {
        "levels": _fitted(periods),
        "linear": _fitted(periods, effect="linear"),
        "interacting": _fitted(periods, interacting=True),
        "score_by_period": _fitted(periods, effect="linear", varying=by_time),
        "unadjusted": _fitted(merged_over_strata(periods)),
    }
    for name, fit in fits.items():
        log_likelihood, _ = number("hazards", case, "log_likelihood", group=name)
        assert fit.solution.log_likelihood == pytest.approx(log_likelihood, rel=1e-10)
    # steps of the scale run from worst to best, which here is downwards
    for name, quantity, at, sign in (
        ("linear", "linear_score", 0, -1),
        ("score_by_period", "score_by_period", -1, 1),
    ):
        estimate, error = number("hazards", case, quantity)
        assert sign * fits[name].solution.beta[at] == pytest.approx(estimate, abs=SEARCHED)
        assert fits[name].standard_errors[at] == pytest.approx(error, rel=SEARCHED)


@pytest.mark.parametrize("case", HAZARDS)
def test_standardised_retention_by_hazard_ratios_is_g_computation(
    spells: dict[str, Spells], case: str
) -> None:
    # each customer counted a hundred times: draws and the delta method then differ by the draws alone
    spec, many = spec_of(case), replace(spells[case], n=spells[case].n * TIMES)
    request = next(r for r in hazard_requests(many, spec) if r.labels["adjusted"] == "standardised")
    made = grouped_ph(many, spec, request, DRAWS, np.random.default_rng(20140801), covariance="model")
    assert isinstance(made, GroupedPH)
    table = tidy(survival_rows(made.curves, spec))
    for quantity, estimand in (
        ("standardised", "retention"),
        ("difference", "retention_difference"),
        ("ratio", "retention_ratio"),
    ):
        pairs = beside(numbers("hazards", case, quantity), select(table, estimand=estimand, scenario=""))
        agree(pairs, SEARCHED)
        _errors_agree(pairs, np.sqrt(TIMES))
    effects = group_effects(many, spec, made)
    for group in numbers("hazards", case, "log_hazard_ratio").itertuples():
        value, drawn = (
            np.subtract(*both) for both in zip(effects[group.group], effects["worst"], strict=True)
        )
        assert value == pytest.approx(group.estimate, abs=SEARCHED)
        assert np.std(drawn) * np.sqrt(TIMES) == pytest.approx(group.std_error, rel=OF_DRAWS)


def _errors_agree(pairs: pd.DataFrame, scale: float = 1.0) -> None:
    ratio = pairs["std_error"] * scale / pairs["std_error_r"]
    np.testing.assert_allclose(ratio, 1, rtol=0, atol=OF_DRAWS)


@pytest.fixture(scope="module")
def regressions() -> dict[str, SpendFit]:
    counts = cxlink.read_cohort(rows_of("randhie"), spec_of("randhie")).count()
    cells = spend_question(counts, spells_of(counts)).cells
    found = {fit.model: fit for fit in fit_spend(cells, "levels") if isinstance(fit, SpendFit)}
    assert set(found) == set(LAYERS)
    return found


def _by_combination(term: Term, levels: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """What each parameter adds to the linear predictor of each combination: (n_parameters, n_combinations)."""
    each = np.zeros((len(term.columns), len(term.design.names)))
    each[np.arange(len(term.columns)), term.columns] = 1
    by_level, by_stratum = term.design.linear(each)
    found: np.ndarray = by_level[:, levels] + by_stratum[:, strata]
    return found


@pytest.mark.parametrize("model", LAYERS)
def test_regressions_of_spend_are_glms_with_sandwiches(regressions: dict[str, SpendFit], model: str) -> None:
    fit, start = regressions[model], 0
    for layer, term, theta in zip(LAYERS[model], fit.terms, fit.stack.theta, strict=True):
        part = slice(start, start := start + len(theta))
        plain, robust = (numbers("spend", "randhie", f"{layer}.{kind}") for kind in ("hc0", "hc2"))
        strata = plain["stratum"].map({name: k for k, name in enumerate(COINSURANCE)}).fillna(0).astype(int)
        by_parameter = _by_combination(term, plain["group"].astype(int).to_numpy() - 1, strata.to_numpy())
        # amounts are measured in units of their mean; smearing factors and logits have no unit
        shift = np.log(fit.unit) if layer in ("poisson", "quasi_gamma", "gamma", "log_ols") else 0.0
        predicted = theta @ by_parameter + shift
        for covariance, theirs in ((fit.stack.plain, plain), (fit.stack.covariance, robust)):
            variance = np.einsum("pk,pq,qk->k", by_parameter, covariance[part, part], by_parameter)
            np.testing.assert_allclose(predicted, theirs["estimate"], rtol=0, atol=SEARCHED)
            np.testing.assert_allclose(np.sqrt(variance), theirs["std_error"], rtol=SEARCHED)
    assert start == len(fit.stack.plain)
    layer = LAYERS[model][1 if len(LAYERS[model]) > 1 else 0]
    dispersion, _ = number("spend", "randhie", "dispersion", group=layer)
    assert fit.dispersion == pytest.approx(dispersion, rel=SEARCHED)


@pytest.mark.parametrize("model", LAYERS)
def test_errors_of_standardised_spend_stack_all_parts(regressions: dict[str, SpendFit], model: str) -> None:
    fit, table = regressions[model], rows_of("randhie")
    share = table["coinsurance"].value_counts(normalize=True)[list(COINSURANCE)].to_numpy()
    theta, edges = np.concatenate(fit.stack.theta), np.cumsum([len(part) for part in fit.stack.theta])[:-1]
    # central differences of step δ: their error is δ² and rounding over δ
    moved = np.vstack([theta, theta + DELTA * np.eye(len(theta)), theta - DELTA * np.eye(len(theta))])
    means = fit.unit * combined_means(fit, np.split(moved, edges, axis=1)) @ share
    after, before = np.split(means[1:], 2)
    gradient = (after - before) / (2 * DELTA)
    errors = np.sqrt(np.einsum("pl,pq,ql->l", gradient, fit.stack.covariance, gradient))
    quantity = "quasi_gamma" if model == "gamma" else model
    theirs = numbers("spend", "randhie", f"{quantity}.standardised")
    np.testing.assert_allclose(means[0], theirs["estimate"], rtol=SEARCHED)
    np.testing.assert_allclose(errors, theirs["std_error"], rtol=SEARCHED)


@pytest.mark.parametrize("model", LAYERS)
def test_the_whole_analysis_has_the_regressions_standardised_spend(model: str) -> None:
    ours = select(estimates_of("randhie", DRAWS), model=model, estimand="spend", adjusted="standardised")
    quantity = "quasi_gamma" if model == "gamma" else model
    pairs = beside(numbers("spend", "randhie", f"{quantity}.standardised"), ours)
    agree(pairs, SEARCHED)
    _errors_agree(pairs)


@pytest.mark.long
@pytest.mark.parametrize(
    ("quantity", "adjusted"), [("log_hazard_ratio", "conditional"), ("unadjusted_log_hazard_ratio", "no")]
)
def test_the_whole_analysis_has_the_glms_hazard_ratios(quantity: str, adjusted: str) -> None:
    ours = select(
        estimates_of("lung", 100), model="grouped_ph", estimand="hazard_ratio", adjusted=adjusted, scenario=""
    )
    theirs = numbers("hazards", "lung", quantity)
    agree(beside(theirs.assign(estimate=np.exp(theirs["estimate"])), ours), SEARCHED)


def test_the_whole_analysis_has_the_glms_standardised_retention() -> None:
    ours = select(
        estimates_of("lung", 100),
        model="grouped_ph",
        estimand="retention",
        adjusted="standardised",
        scenario="",
    )
    agree(beside(numbers("hazards", "lung", "standardised"), ours), SEARCHED)
