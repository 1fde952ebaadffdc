"""Retention, tenure, incidence and means of spend against R's survival and sandwich: README.md beside this file."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from stored import agree, beside, estimates_of, numbers, rows_of, spec_of

import cxlink
from cxlink.cohort.count.spells import Spells, each_pair, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.estimands.tidy import select, tidy
from cxlink.groups.headline_requests import curve_requests
from cxlink.spend.means import cell_means
from cxlink.survival.kaplan_meier import kaplan_meier

# families have R's numbers of their own, in tests/survival/families
pytestmark = pytest.mark.usefixtures("few_families")
# Closed forms on both sides; R's numbers are stored to twelve digits.
CLOSED_FORM = 1e-9
DRAWS = 2000
# Four standard errors of a standard deviation of that many draws, near to normal: 4 / √(2·draws).
OF_DRAWS = 4 / np.sqrt(2 * DRAWS)
TIMES = 100
CURVES = ("lung", "flchain", "mgus")
ESTIMANDS = [
    ("lung", "retention", "retention", "no"),
    ("lung", "tenure", "tenure", "no"),
    ("lung", "standardised", "retention", "standardised"),
    ("lung", "difference", "retention_difference", "standardised"),
    ("lung", "ratio", "retention_ratio", "standardised"),
    ("flchain", "retention", "retention", "no"),
    ("flchain", "tenure", "tenure", "no"),
    ("flchain", "cumulative_incidence", "cumulative_incidence", "no"),
    ("flchain", "standardised", "retention", "standardised"),
    ("flchain", "difference", "retention_difference", "standardised"),
    ("flchain", "ratio", "retention_ratio", "standardised"),
    ("mgus", "retention", "retention", "no"),
    ("mgus", "cumulative_incidence", "cumulative_incidence", "no"),
    ("mgus", "standardised", "retention", "standardised"),
]


def _spells(case: str) -> tuple[Spells, CohortSpec]:
    spec = spec_of(case)
    return spells_of(cxlink.read_cohort(rows_of(case), spec).count()), spec


def _curve_rows(case: str, draws: int, times: int = 1) -> pd.DataFrame:
    """Rows of the headline's estimator, each customer counted so many times."""
    spells, spec = _spells(case)
    spells = replace(spells, n=spells.n * times)
    none = sparse.csr_array((0, len(spells.n)))
    rng = np.random.default_rng(20140801)
    requests = [request for request in curve_requests(spells, spec) if not request.labels["stratum"]]
    made = kaplan_meier(spells, requests, draws, rng, horizon=spec.horizon, scores=none)
    return tidy(row for curves in made.curves for row in survival_rows(curves, spec))


@pytest.fixture(scope="module")
def estimates() -> dict[str, pd.DataFrame]:
    return {"lung": estimates_of("lung", 100), **{case: _curve_rows(case, 100) for case in CURVES[1:]}}


@pytest.fixture(scope="module")
def drawn() -> dict[str, pd.DataFrame]:
    return {case: _curve_rows(case, DRAWS, TIMES) for case in CURVES}


def _ours(table: pd.DataFrame, estimand: str, adjusted: str, scenario: str = "") -> pd.DataFrame:
    return select(
        table, model="kaplan_meier", estimand=estimand, adjusted=adjusted, scenario=scenario, given=0
    )


@pytest.mark.parametrize(("case", "quantity", "estimand", "adjusted"), ESTIMANDS)
def test_curves_areas_incidence_and_contrasts_are_survfits(
    estimates: dict[str, pd.DataFrame], case: str, quantity: str, estimand: str, adjusted: str
) -> None:
    theirs = numbers("retention", case, quantity)
    agree(beside(theirs, _ours(estimates[case], estimand, adjusted)), CLOSED_FORM)


@pytest.mark.parametrize(("case", "quantity", "estimand", "adjusted"), ESTIMANDS)
def test_the_bootstrap_spreads_as_closed_forms_say(
    drawn: dict[str, pd.DataFrame], case: str, quantity: str, estimand: str, adjusted: str
) -> None:
    # Greenwood's formula, or survfit's influences. Each customer is counted a hundred times: a bootstrap and a
    # first-order formula then differ by their draws alone.
    theirs = numbers("retention", case, quantity)
    pairs = beside(
        theirs[(theirs["estimate"] > 0) & (theirs["stratum"] == "")], _ours(drawn[case], estimand, adjusted)
    )
    agree(pairs, CLOSED_FORM)
    _errors_agree(pairs, np.sqrt(TIMES))


def test_a_late_entry_curve_runs_from_the_first_period_with_customers_at_risk(
    estimates: dict[str, pd.DataFrame], drawn: dict[str, pd.DataFrame]
) -> None:
    theirs = numbers("retention", "mgus", "since_signup")
    assert len(theirs) > 100
    agree(beside(theirs, _ours(estimates["mgus"], "retention", "no", "since_signup")), CLOSED_FORM)
    pairs = beside(theirs[theirs["estimate"] > 0], _ours(drawn["mgus"], "retention", "no", "since_signup"))
    _errors_agree(pairs, np.sqrt(TIMES))


def _errors_agree(pairs: pd.DataFrame, scale: float = 1.0) -> None:
    ratio = pairs["std_error"] * scale / pairs["std_error_r"]
    np.testing.assert_allclose(ratio, 1, rtol=0, atol=OF_DRAWS)


@pytest.mark.parametrize(("quantity", "adjusted"), [("means", "no"), ("means.standardised", "standardised")])
def test_means_of_spend_with_many_zeros_are_glms(quantity: str, adjusted: str) -> None:
    ours = select(estimates_of("randhie", DRAWS), model="means", estimand="spend", adjusted=adjusted)
    pairs = beside(numbers("spend", "randhie", quantity), ours)
    agree(pairs, CLOSED_FORM)
    _errors_agree(pairs)


def test_the_robust_variance_of_every_cell_is_hc2() -> None:
    spells, _ = _spells("randhie")
    cells = cell_means(spells, each_pair(spells))
    levels = [str(spells.levels[k]) for k in spells.level]
    strata = spells.strata["stratum.coinsurance"].iloc[spells.stratum]
    ours = pd.DataFrame(
        {"group": levels, "stratum": strata.to_numpy(), "mean": cells.mean, "var": cells.variance}
    )
    pairs = numbers("spend", "randhie", "means.cell").merge(ours, on=["group", "stratum"])
    assert len(pairs) == 20
    np.testing.assert_allclose(pairs["mean"], pairs["estimate"], rtol=CLOSED_FORM)
    np.testing.assert_allclose(np.sqrt(pairs["var"]), pairs["std_error"], rtol=CLOSED_FORM)
