"""Where too few customers can be compared like with like, an additive model holds the headline."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from as_read import sentences
from check_fields import check_fields
from cohorts import cell_rows, spec_for, spells_from

from cxlink.analysis import analyse
from cxlink.checks import Check, matching
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import Cohort, read_cohort
from cxlink.display import Analysis
from cxlink.estimands.fallback import stepped_down, thin
from cxlink.estimands.support_checks import size_checks
from cxlink.estimands.tidy import select
from cxlink.groups.headline_requests import curve_requests, spend_requests
from cxlink.report.content import gather
from cxlink.report.sections.first_page import headline_blocks
from cxlink.report.sections.limitations import limits

SUPPORTED, UNSUPPORTED = 60, 40


def _spec(draws: int = 200) -> CohortSpec:
    return make_spec({
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "subscription": {"duration": "months", "event": "lost"},
        "spend": {"column": "spend", "complete": True},
        "adjust": {"columns": ["plan"]},
        "analysis": {"horizon": 6, "tenure_horizons": [8], "draws": draws},
    })  # fmt: skip


def _cohort(unsupported: int, draws: int = 200) -> Cohort:
    """Stratum x has both bands; y has no customer of the worst level."""
    rng = np.random.default_rng(3)
    parts = []
    for plan, levels, n in (("x", (1, 3, 5), SUPPORTED), ("y", (3, 5), unsupported)):
        for level in levels:
            stay = rng.geometric(0.5 / level, n)
            parts.append(
                pd.DataFrame({
                    "score": level, "plan": plan, "months": np.minimum(stay, 8), "lost": stay <= 8,
                    "spend": rng.gamma(1.0, 20.0 * level, n).round(2),
                })
            )  # fmt: skip
    return read_cohort(pd.concat(parts, ignore_index=True), _spec(draws))


@pytest.fixture(scope="module")
def thinned(few_families: None) -> Analysis:
    return analyse(_cohort(UNSUPPORTED))


def test_additive_models_hold_the_headline_where_support_is_thin(thinned: Analysis) -> None:
    share = 3 * SUPPORTED / (3 * SUPPORTED + 2 * UNSUPPORTED)
    support = matching(
        thinned.results.checks, code="support", group="best", reference="worst", adjusted="standardised"
    )
    assert {check.model: (check.value, check.passed) for check in support} == {
        "kaplan_meier": (pytest.approx(share), False), "means": (pytest.approx(share), False),
    }  # fmt: skip
    headline = thinned.headline()
    assert set(zip(headline["estimand"].str.split("_").str[0], headline["model"], strict=True)) == {
        ("retention", "grouped_ph"), ("tenure", "grouped_ph"), ("spend", "poisson"),
    }  # fmt: skip
    assert set(headline["adjusted"]) == {"standardised"}
    assert len(headline) == 12  # both sides, difference and ratio of three outcomes
    assert check_fields(*matching(thinned.results.checks, code="takes_over")) == check_fields(
        *[
            Check("takes_over", model, "best", 1.0, facts={"reference": "worst"})
            for model in ("grouped_ph", "poisson")
        ]
    )


def test_e_values_go_with_the_headline(thinned: Analysis) -> None:
    rows = select(thinned.estimates, estimand="e_value")
    assert sorted(zip(rows["model"], rows["scenario"], strict=True)) == [
        ("grouped_ph", "lost"), ("grouped_ph", "retained"), ("poisson", ""),
    ]  # fmt: skip
    kept = select(thinned.headline(), estimand="retention").set_index("group")["estimate"]
    ratio = (1 - kept["worst"]) / (1 - kept["best"])
    lost = select(rows, scenario="lost")["estimate"].iloc[0]
    assert lost == pytest.approx(ratio + np.sqrt(ratio * (ratio - 1)), rel=1e-9)


def test_the_estimates_are_the_same_as_where_nothing_is_taken_over(thinned: Analysis) -> None:
    rows = select(thinned.estimates, adjusted="standardised", scenario="")
    assert set(select(rows, estimand="retention_difference", group="best")["model"]) >= {
        "kaplan_meier", "grouped_ph",
    }  # fmt: skip
    assert set(select(rows, estimand="spend_ratio", group="best")["model"]) >= {"means", "poisson"}


@pytest.mark.usefixtures("few_families")
def test_the_nonparametric_headline_stays_where_support_is_wide() -> None:
    found = analyse(_cohort(2, draws=100))
    assert set(found.headline()["model"]) == {"kaplan_meier", "means"}
    assert not matching(found.results.checks, code="takes_over")
    assert set(select(found.estimates, estimand="e_value")["model"]) == {"kaplan_meier", "means"}


def _support(model: str, value: float, group: str = "best", adjusted: str = "standardised") -> Check:
    return Check("support", model, group, value, facts={"reference": "worst", "adjusted": adjusted})


def test_support_is_thin_under_nine_tenths() -> None:
    spec = _spec()
    assert thin([_support("means", 0.89)], "means", spec)
    assert not thin([_support("means", 0.9)], "means", spec)
    assert not thin([_support("kaplan_meier", 0.5)], "means", spec)
    assert not thin([_support("means", 0.5, "3")], "means", spec)
    assert not thin([_support("means", 0.5, adjusted="no")], "means", spec)
    assert not thin([replace(_support("means", 0.5), code="followed")], "means", spec)


def test_a_side_with_under_twenty_customers_a_stratum_is_too_few() -> None:
    """Of score 1, 39 and then 40 customers in two strata; of 4 and 5 together 20 in each."""
    spec = _spec()
    for n_worst, passed in ((39, False), (40, True)):
        cells = [
            (1, "x", 8, 0, n_worst - 5),
            (1, "y", 2, 1, 5),
            *((k, p, 8, 0, 10) for k in (4, 5) for p in "xy"),
        ]
        rows = cell_rows(*cells)
        spells = spells_from(rows, spec_for(adjust=("plan",)))
        (request,) = [r for r in curve_requests(spells, spec) if r.labels["adjusted"] == "standardised"]
        worst, best = sorted(
            size_checks("kaplan_meier", request, spells, spec), key=lambda check: -len(check.group)
        )
        assert (worst.group, worst.value, worst.passed) == ("worst", n_worst / 2, passed)
        assert (best.group, best.value, best.passed) == ("best", 20.0, True)
        assert thin([worst, best], "kaplan_meier", spec) is not passed


def test_means_of_spend_count_complete_windows() -> None:
    rows = pd.DataFrame({
        "score": [1] * 60 + [5] * 60, "plan": ["x", "y"] * 60, "exit": 8, "cause": "",
        "spend": [1.0] * 110 + [np.nan] * 10,
    })  # fmt: skip
    spec = spec_for(adjust=("plan",), spend=True)
    spells = spells_from(rows, spec)
    request = next(r for r in spend_requests(spells, spec) if r.labels["adjusted"] == "standardised")
    values = {check.group: check.value for check in size_checks("means", request, spells, spec)}
    assert values == {"worst": 30.0, "best": 25.0}


def test_one_stratum_is_never_too_few() -> None:
    spec = spec_for()
    spells = spells_from(cell_rows((1, "x", 8, 0, 3), (5, "x", 8, 0, 3)), spec)
    for request in curve_requests(spells, spec):
        assert not list(size_checks("kaplan_meier", request, spells, spec))


@pytest.fixture(scope="module")
def few(few_families: None) -> Analysis:
    """Every stratum has both bands, of the worst 17.5 customers on average."""
    rng = np.random.default_rng(5)
    parts = [
        pd.DataFrame({
            "score": level, "plan": plan, "months": np.minimum(rng.geometric(0.4 / level, n), 8), "spend": 10.0 * level,
        })
        for plan, level, n in (("x", 1, 20), ("y", 1, 15), ("x", 5, 60), ("y", 5, 60))
    ]  # fmt: skip
    table = pd.concat(parts, ignore_index=True).assign(lost=lambda rows: rows["months"] < 8)
    return analyse(read_cohort(table, _spec()))


def test_additive_models_hold_the_headline_where_a_band_has_few_customers_a_stratum(few: Analysis) -> None:
    assert set(few.headline()["model"]) == {"grouped_ph", "poisson"}
    said = " ".join(limits(gather(few.results)))
    assert "Customers who gave 1 are on average fewer than 20 per stratum" in said
    first = sentences(headline_blocks(gather(few.results)), "notice")
    assert "The main results therefore come from a proportional-hazards model of all of them" in first


def test_only_the_model_that_has_a_successor_steps_down() -> None:
    rows = [
        {"model": "kaplan_meier", "estimand": "retention", "headline": True},
        {"model": "kaplan_meier", "estimand": "e_value", "headline": False},
        {"model": "means", "estimand": "spend", "headline": True},
    ]
    successors = [{"model": "grouped_ph", "headline": True}, {"model": "poisson", "headline": False}]
    kept, said = stepped_down(rows, [], successors, _spec())
    assert kept == [{"model": "kaplan_meier", "estimand": "retention", "headline": False}, rows[2]]
    assert [(check.code, check.model) for check in said] == [("takes_over", "grouped_ph")]
