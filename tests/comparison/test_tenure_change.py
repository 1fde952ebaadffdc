"""Change of expected tenure between cohorts: that of their reports, errors of both, none of clustered customers."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxlink import analyse, compare
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec, merged
from cxlink.comparison.tenure_change import tenure_rows
from cxlink.estimands.tidy import select
from cxlink.report.change_sections.outcome_section import outcome_section
from cxlink.study.cells import draw, spec_of
from cxlink.study.processes import study_subscription


def altered(spec: CohortSpec, **cohort: str) -> CohortSpec:
    return make_spec(
        merged(
            spec.model_dump(exclude_none=True), {"cohort": cohort, "analysis": {"tenure_horizons": [36, 120]}}
        )
    )


@cache
def cohort(name: str, n: int, seed: int) -> Counts:
    process = study_subscription()
    counts = draw(process, n, spec_of(process, 400), np.random.default_rng(seed))
    return replace(counts, spec=altered(counts.spec, name=name))


@pytest.fixture(scope="module")
def changes() -> pd.DataFrame:
    return pd.DataFrame(tenure_rows(cohort("old", 20_000, 1), cohort("new", 4_000, 2)))


def test_it_is_the_difference_of_the_reports_means(changes: pd.DataFrame) -> None:
    parts = []
    for one in (cohort("old", 20_000, 1), cohort("new", 4_000, 2)):
        estimates = analyse(one).estimates
        rows = select(estimates, estimand="tenure", model="spliced", adjusted="no", scenario="", reference="")
        parts.append(rows.set_index(["group", "horizon"])[["estimate", "std_error"]])
    both = (
        changes.set_index(["group", "horizon"]).join(parts[0], rsuffix="_old").join(parts[1], rsuffix="_new")
    )
    both = both.dropna(subset=["estimate_old", "estimate_new"])
    assert {"worst", "best", "all"} <= set(both.index.get_level_values(0))
    assert len(both) > 20
    difference = both["estimate_new"] - both["estimate_old"]
    inside = both.index.get_level_values("horizon") == 12
    np.testing.assert_allclose(both["estimate"][inside], difference[inside], atol=1e-9)
    # beyond follow-up hazards are summed in steps that depend on what else is asked
    np.testing.assert_allclose(both["estimate"], difference, rtol=2e-3)
    error = np.hypot(both["std_error_old"], both["std_error_new"])
    # 400 draws each: the standard deviation of one is known to 3.5 %
    np.testing.assert_allclose(both["std_error"], error, rtol=0.15)
    assert (both["part"] == "total").all()


def test_two_cohorts_of_one_distribution_hold_no_change(changes: pd.DataFrame) -> None:
    bands = changes[changes["group"].isin(["worst", "best", "all"])]
    assert ((bands["conf_low"] < 0) & (bands["conf_high"] > 0)).all()


def test_the_table_of_changes_and_the_report_have_it() -> None:
    found = compare([cohort("old", 20_000, 1), cohort("new", 4_000, 2)])
    rows = select(found.changes, estimand="tenure")
    assert set(rows["part"]) == {"total"}
    shown = outcome_section(found, found.outcomes[0], 1)
    (changed,) = [block for block in shown if "Change in mean tenure within each horizon" in str(block)]
    assert str(changed).count("[") >= len(rows)


def test_customers_in_clusters_have_none() -> None:
    old, new = cohort("old", 20_000, 1), cohort("new", 4_000, 2)
    clustered = replace(new, spec=altered(new.spec, id="id", cluster="account"))
    assert tenure_rows(old, clustered) == []
