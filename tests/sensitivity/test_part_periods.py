"""The headline with the actuarial risk set: what a part of a period after the last whole one may hide."""

import numpy as np
import pandas as pd
import pytest
from cohorts import cell_rows, counts_of, spec_for
from tabled import STAY, count, spec, stay

from cxlink.analysis import Analysis, analyse
from cxlink.checks import matching
from cxlink.cohort.table import read_cohort
from cxlink.report.check_notes import note
from cxlink.report.profile_lines import profile
from cxlink.report.profile_words import table_notes
from cxlink.sensitivity.duration_convention import convention_checks, headline_points, with_part_periods


def test_half_of_those_censored_are_at_risk_for_one_more_period() -> None:
    """Of 20 customers 4 are lost in period 1 and 4 censored after it: 12 at risk in period 2, or 14, of whom 6 lost."""
    rows = cell_rows(
        (1, "x", 1, 1, 4), (1, "x", 1, 0, 4), (1, "x", 2, 1, 6), (1, "x", 2, 0, 6), (5, "x", 2, 0, 3)
    )
    counts = counts_of(rows, spec_for(horizon=2))
    assert headline_points(counts) == pytest.approx({"worst": 0.8 * 6 / 12, "best": 1.0}, abs=1e-12)
    more = with_part_periods(counts)
    assert more.cells["n"].sum() == counts.cells["n"].sum()
    assert headline_points(more) == pytest.approx({"worst": 0.8 * 8 / 14, "best": 1.0}, abs=1e-12)


def test_a_stratum_that_is_not_followed_to_the_horizon_stays_out() -> None:
    """Plan y is followed for one of two periods: both points are of x, 8 of 10 left after the second, or 10 of 12."""
    x = [(s, "x", t, lost, n) for s in (1, 5) for t, lost, n in ((1, 0, 4), (2, 1, 2), (2, 0, 8))]
    rows = cell_rows(*x, (1, "y", 1, 1, 5), (1, "y", 1, 0, 5), (5, "y", 1, 0, 10))
    counts = counts_of(rows, spec_for(horizon=2, adjust=("plan",)))
    assert headline_points(counts) == pytest.approx({"worst": 0.8, "best": 0.8}, abs=1e-12)
    assert headline_points(with_part_periods(counts)) == pytest.approx(
        dict.fromkeys(("worst", "best"), 10 / 12), abs=1e-12
    )


def _recorded(n: int, follow: bool = False) -> pd.DataFrame:
    """Hazard .05 a month, follow-up uniform on 0 to 24 months: losses rounded up, customers retained down."""
    rng = np.random.default_rng(1)
    stays, seen = rng.exponential(20, n), rng.uniform(0, 24, n)
    lost = stays <= seen
    table = stay(rng.choice([1, 10], n), np.where(lost, np.ceil(stays), np.floor(seen)).astype(int), lost)
    return table.assign(seen=np.floor(seen).astype(int)) if follow else table


@pytest.fixture(scope="module")
def found() -> Analysis:
    asked = spec({**STAY, "analysis": {"models": "quick", "draws": 200}})
    return analyse(read_cohort(_recorded(60_000), asked))


def test_the_bias_of_part_periods_is_that_of_the_truth() -> None:
    counts = count(_recorded(200_000))
    truth, points, more = np.exp(-0.6), headline_points(counts), headline_points(with_part_periods(counts))
    for group in ("best", "worst"):  # Greenwood's standard error is .0019
        assert points[group] < truth - 4 * 0.0019 / 2
        assert more[group] == pytest.approx(truth, abs=4 * 0.002)


def test_a_difference_over_a_standard_error_is_on_page_one_with_its_cure(found: Analysis) -> None:
    checks = matching(found.results.checks, code="part_periods", passed=False)
    assert {check.group for check in checks} == {"worst", "best"}
    assert "half a period more at risk" in note(checks[0])
    said = [
        one
        for one in table_notes(found.results)
        if one.startswith("If customers retained were observed for part")
    ]
    assert len(said) == 1
    assert "retention after 12 months would be 5" in said[0]
    assert said[0].endswith(
        "Name [subscription] follow_up, the whole months that each customer could have been observed."
    )


def test_a_small_difference_is_a_check_and_no_note() -> None:
    asked = spec({**STAY, "analysis": {"models": "quick", "draws": 200}})
    small = analyse(read_cohort(_recorded(300), asked))
    checks = matching(small.results.checks, code="part_periods")
    assert [check.passed for check in checks] == [True, True]
    assert not [one for one in table_notes(small.results) if "half a month" in one]


@pytest.mark.parametrize("counts", ["periods", "completed"])
def test_follow_up_that_is_named_leaves_nothing_to_ask(found: Analysis, counts: str) -> None:
    named = {**STAY, "subscription": {**STAY["subscription"], "counts": counts, "follow_up": "seen"}}
    cohort = read_cohort(_recorded(300, follow=True), spec(named))
    assert list(convention_checks(cohort.count(), None, found.estimates)) == []
    assert "rounded up, they stay too long" not in profile(cohort)


def test_check_says_how_durations_are_taken() -> None:
    said = profile(read_cohort(stay([1, 5], [3, 4], [1, 0]), spec(STAY)))
    assert (
        "A loss recorded at 3 fell in the third month; a customer retained at 3 is taken to have been" in said
    )
