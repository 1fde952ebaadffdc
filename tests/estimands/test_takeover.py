"""Where too few customers can be compared like with like, an additive model holds the headline."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from told import told

from cxlink.analysis import analyse
from cxlink.checks import Check, matching
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import Cohort, read_cohort
from cxlink.display import Analysis
from cxlink.estimands.fallback import stepped_down, thin
from cxlink.estimands.tidy import select

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
        thinned.checks, code="support", group="best", reference="worst", adjusted="standardised"
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
    assert told(*matching(thinned.checks, code="takes_over")) == told(
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
    assert not matching(found.checks, code="takes_over")
    assert set(select(found.estimates, estimand="e_value")["model"]) == {"kaplan_meier", "means"}


def _support(model: str, value: float, group: str = "best", adjusted: str = "standardised") -> Check:
    return Check("support", model, group, value, facts={"reference": "worst", "adjusted": adjusted})


def test_support_is_thin_under_nine_tenths() -> None:
    spec = _spec()
    assert thin([_support("means", 0.89)], "means", spec) == 0.89
    assert thin([_support("means", 0.9)], "means", spec) is None
    assert thin([_support("kaplan_meier", 0.5)], "means", spec) is None
    assert thin([_support("means", 0.5, "3")], "means", spec) is None
    assert thin([_support("means", 0.5, adjusted="no")], "means", spec) is None
    assert thin([replace(_support("means", 0.5), code="followed")], "means", spec) is None


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
