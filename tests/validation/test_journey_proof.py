"""The proof of touchpoints: its law, its truth, and rules that fail where they should."""

import numpy as np
import pandas as pd
import pytest

from cxlink.metrics.journey.journey_changes import trends
from cxlink.metrics.journey.journey_contrasts import contrasts_of_journey
from cxlink.study.replications import summary
from validation.journey_law import DRIFT, LEVELS, NAMES, QUARTERS, journey_law, spec_of_contacts
from validation.journey_proof import COHORTS, SIZES, cells, page, tallied, verdicts


def test_the_law_is_a_table_of_probabilities_in_which_one_touchpoint_acts() -> None:
    law = journey_law()
    assert law.share.sum() == pytest.approx(1, abs=1e-12)
    rows = law.cells.assign(share=law.share, stays=law.share * law.cells["retained"]).fillna(0)
    given = rows.groupby(["plan", "web", "phone"])[["share", "stays"]].sum()
    stays = (given["stays"] / given["share"]).unstack("phone")  # noqa: PD010
    assert (stays.max(axis=1) - stays.min(axis=1)).max() == pytest.approx(0, abs=1e-12)
    assert np.log(stays / (1 - stays))[1.0].diff().loc["pro"].loc[2:].to_list() == pytest.approx([0.5] * 4)


def test_scores_improve_by_the_drift_a_quarter() -> None:
    means = {name: chance @ LEVELS * QUARTERS for name, chance in journey_law().contacts.items()}
    assert np.diff(means["web"]) == pytest.approx(DRIFT, abs=1e-12)
    assert np.diff(means["phone"]) == pytest.approx(0, abs=1e-12)
    assert all((chance > 0).all() for chance in journey_law().contacts.values())


def test_a_very_large_cohort_is_estimated_as_the_truth() -> None:
    journey = journey_law().drawn(100_000_000, np.random.default_rng(1))
    truth = journey_law().contrasts()
    found = {one.contrast.name: one.contrast for one in contrasts_of_journey(journey, spec_of_contacts())
             if one.how == "partial"}  # fmt: skip
    for name in NAMES:
        assert abs(found[name].estimate - truth[name]) < 4 * found[name].std_error < 0.001
    slopes = {one.touchpoint: one for one in trends(journey.contacts, 1)}
    assert abs(slopes["web"].slope - DRIFT) < 4 * slopes["web"].std_error


def _table(**changed: float) -> pd.DataFrame:
    shared = {"coverage": 0.95, "errors": 1.0, "bias": 0.0, **changed}
    return pd.DataFrame([
        {"estimand": what, "group": name, "customers": n, **shared}
        for what in ("retention contrast", "trend", "change said") for name in NAMES for n in SIZES
    ])  # fmt: skip


def test_rules_fail_where_they_should() -> None:
    assert all(one.held for one in verdicts(_table()))
    assert sum(not one.held for one in verdicts(_table(coverage=0.9))) == 6
    assert sum(not one.held for one in verdicts(_table(errors=1.2))) == 6
    assert sum(not one.held for one in verdicts(_table(bias=0.08))) == 3


def test_a_page_is_made_of_few_cohorts() -> None:
    first = cells()[0]
    table = tallied(1_500, 4, np.random.default_rng(2))
    assert set(summary(table, 4)["estimand"]) == {"retention contrast", "trend", "change said"}
    made = page([(first, table)])
    assert any(
        f"A short run: 4 of the {COHORTS}" in line or "4 cohorts a size" in line for line in made.lines
    )
