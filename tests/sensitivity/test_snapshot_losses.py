"""Of a snapshot: the retention of customers whose times of loss within the window the table does not say."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from cohorts import cell_rows, counts_of, spec_for
from tabled import spec, stay

from cxlink.analysis import analyse
from cxlink.checks import matching
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import read_cohort
from cxlink.report.check_notes import note
from cxlink.report.profile_lines import profile
from cxlink.report.profile_words import table_notes
from cxlink.sensitivity.duration_convention import headline_points
from cxlink.sensitivity.snapshot_losses import spread_over_window

HAZARD = {1: 0.15, 10: 0.02}


def snapshot(n: int, window: int, began: tuple[int, int], seed: int = 3) -> pd.DataFrame:
    """Customers who began between so many months before the table was made, those lost before its window left out."""
    rng = np.random.default_rng(seed)
    score, ago = rng.choice([1, 10], n), rng.integers(began[0], began[1], n)
    stays = rng.geometric([HAZARD[one] for one in score])
    lost = stays <= ago
    seen = ~lost | (stays > ago - window)
    table = stay(score[seen], np.where(lost, stays, ago)[seen], lost[seen])
    return table.assign(began=np.maximum(ago - window, 0)[seen])


def asked(**more: Any) -> CohortSpec:
    sub = {"duration": "months", "event": "lost", "unit": "month", **more}
    return spec({"subscription": sub, "analysis": {"models": "quick", "draws": 200, "horizon": 6}})


# began all along, or all before the window: then most of those lost left early in it
@pytest.mark.parametrize("began", [(0, 40), (12, 40)])
@pytest.mark.parametrize("window", [3, 12])
def test_it_is_nearly_what_known_entries_give(window: int, began: tuple[int, int]) -> None:
    table = snapshot(120_000, window, began)
    counts = read_cohort(table, asked(window=window)).count()
    known = headline_points(read_cohort(table, asked(entry="began")).count())
    plain, spread = headline_points(counts), headline_points(spread_over_window(counts))
    for group in ("worst", "best"):
        assert plain[group] > known[group]
        assert spread[group] == pytest.approx(known[group], abs=0.006)
    assert plain["worst"] > known["worst"] + 0.03


def test_shares_by_hand() -> None:
    """Two lost at 2 of a window of 2: in its second month had they 1 retained at 2 beside them, in its first at 3."""
    table = stay([1, 1, 1, 1, 10], [2, 2, 2, 3, 2], [1, 1, 0, 0, 0])
    cells = spread_over_window(read_cohort(table, asked(window=2)).count()).cells
    lost = cells[cells["cause"] != ""].set_index("entry")["n"]
    # q of them in month 1: at risk in period 2 are all five of the level, so S(2) = S(3) = 1 / 2 whatever q is
    assert lost.to_dict() == pytest.approx({1: 1.0, 0: 1.0})
    assert cells["n"].sum() == 5


def test_customers_stay_as_many_and_those_of_whom_nothing_tells_are_spread_evenly() -> None:
    rows = cell_rows((1, "x", 4, 1, 6), (5, "x", 9, 0, 3), (5, "x", 9, 1, 2))
    made = spec_for(horizon=2)
    sub = made.subscription.model_copy(update={"window": 3, "clock": "signup"}) if made.subscription else None
    counts = counts_of(rows, made.model_copy(update={"subscription": sub}))
    cells = spread_over_window(counts).cells
    worst = cells[(cells["score"] == 1) & (cells["cause"] != "")]
    assert worst["n"].tolist() == pytest.approx([2.0, 2.0, 2.0])
    assert cells["n"].sum() == pytest.approx(11)


def test_a_difference_over_a_standard_error_is_said_with_its_cure() -> None:
    cohort = read_cohort(snapshot(20_000, 12, (12, 40)), asked(window=12))
    found = analyse(cohort)
    checks = matching(found.results.checks, code="window_losses", passed=False)
    assert {check.group for check in checks} == {"worst", "best"}
    assert "suggest, minus that with all of the window of 12" in note(checks[0])
    (said,) = [
        one for one in table_notes(found.results) if one.startswith("Retention is overestimated where")
    ]
    assert "for all of the last 12 months" in said
    assert "([subscription] entry) in place of window" in said
    assert "when the tenures of those retained suggest: best 8" in profile(cohort)


def test_a_window_of_one_period_leaves_nothing_to_ask() -> None:
    found = analyse(read_cohort(snapshot(2_000, 1, (0, 40)), asked(window=1)))
    assert not matching(found.results.checks, code="window_losses")
