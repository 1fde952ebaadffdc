"""Rows that depend on the outcome: dropping them is proposed only where it is unrelated to who was lost."""

from typing import Any

import pandas as pd
import pytest
from as_read import sentences
from tabled import DROP, STAY, refusal, spec, stay

from cxlink.analysis import analyse
from cxlink.cohort.count.lost_shares import LostShares
from cxlink.cohort.table import read_cohort
from cxlink.report.content import gather
from cxlink.report.profile_lines import profile_lines
from cxlink.report.sections.first_page import first_page
from cxlink.sensitivity.excluded_rows import exclusion_losses

LOST = [k < 12 for k in range(30)]
OF_THE_LOST = (
    "All of these 12 customers were lost, 0 of the 18 others: dropping them would change the answer. "
)


def table(**columns: Any) -> pd.DataFrame:
    """12 customers lost in month 3, 18 followed for 9 months; a column holds one thing of the lost, one of others."""
    found = {
        name: [of_lost if lost else other for lost in LOST] for name, (of_lost, other) in columns.items()
    }
    months = [3 if lost else 9 for lost in LOST]
    return stay([5 + k % 3 for k in range(30)], months, [int(lost) for lost in LOST], **found)


SPENT = {"spend": {"column": "spent", "complete": "over"}}
ORDERED = {"spend": {"column": "spent", "complete": True}, "metrics": {"orders": "orders"}}
BANDED = {"adjust": {"bands": {"age": [40]}}}
EMPTY = 'If an empty cell means no, set [table] false = [""] (true = [""] if it means yes)'
WORD = 'Say what it means ([table] true = ["gone"] or false = ["gone"])'
WRONG: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "no follow-up": ({"seen": (None, 40)}, {"subscription": {"follow_up": "seen"}}, "Fill it in"),
    "no entry": ({"before": (None, 1)}, {"subscription": {"entry": "before"}}, "Fill it in"),
    "words in a band": ({"age": ("gone", "30")}, BANDED, "Take it out of [adjust] bands"),
    "no word of the window": ({"over": (None, 1), "spent": (1, 1)}, SPENT, EMPTY),
    "no orders": ({"spent": (1, 1), "orders": ("-", "2")}, ORDERED, "Correct it"),
    "no member": ({"card": ("gone", "1")}, {"metrics": {"member": "card"}}, WORD),
}


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_only_the_lost_fail_are_not_to_be_dropped(name: str) -> None:
    columns, sections, cure = WRONG[name]
    assert refusal(table(**columns), STAY, sections).endswith(f"). {OF_THE_LOST}{cure}.")


@pytest.mark.parametrize("name", WRONG)
def test_rows_that_anybody_may_fail_can_be_dropped(name: str) -> None:
    columns, sections, cure = WRONG[name]
    rows = table(**columns)
    for column in columns:  # of two of five, the lost (12) and the others (18) alike
        wrong, right = columns[column]
        rows[column] = [wrong if k % 5 < 2 else right for k in range(30)]
    assert refusal(rows, STAY, sections).endswith(f"). {cure}, {DROP}")


def test_an_end_of_observation_that_only_the_retained_have() -> None:
    dates = {"survey": "asked", "end": "ended", "observed_until": "seen"}
    rows = table(ended=("2025-04-15", None), seen=(None, "2025-12-31")).assign(asked="2025-01-01")
    said = refusal(rows, {"subscription": dates})
    assert said.endswith(f"(found 2025-01-01 and nothing). {OF_THE_LOST}Fill them in.")
    rows = rows.assign(ended=[f"2025-04-1{k % 5}" if k % 5 < 2 else None for k in range(30)])
    assert refusal(rows, {"subscription": dates}).endswith(f"Fill them in, {DROP}")


def test_nothing_is_proposed_where_the_outcome_is_not_readable() -> None:
    rows = table(ended=("soon", None), age=("gone", "30")).assign(asked="2025-01-01")
    dates = {"survey": "asked", "end": "ended", "observed_until": "2025-12-31"}
    shares = LostShares(0, 0, 18, 0, 12)
    assert not shares.readable
    assert LostShares(9, 0, 18, 0, 1).readable
    assert "--drop-invalid" not in refusal(rows, {"subscription": dates, "adjust": {"bands": {"age": [40]}}})


def test_what_is_known_before_the_outcome_may_be_dropped_whoever_was_lost() -> None:
    rows = table().assign(score=[99 if lost else 5 for lost in LOST])
    assert refusal(rows, STAY).endswith(DROP)
    days = table(asked=("2025-13-13", "2025-01-01"))
    assert refusal(days, STAY, {"subscription": {"survey": "asked"}}).endswith(DROP)


def test_shares_differ_by_fishers_exact_test() -> None:
    # 5 of 5 against 12 of 30 lost: C(17, 5) / C(35, 5) = .019, no more than chance at 1 %; 7 of 7: C(19, 7) / C(37, 7)
    assert not LostShares(5, 5, 30, 12).unlike
    assert LostShares(7, 7, 30, 12).unlike
    assert not LostShares(7, 3, 30, 12).unlike
    assert not LostShares(1, 1, 1000, 100).unlike


def test_the_move_of_the_share_and_its_error_by_hand() -> None:
    shares = LostShares(100, 100, 400, 100)
    # 200 of 500 lost with them, 100 of 400 without: .25 − .4; √(.4 · .6 / 400)
    assert shares.moved == pytest.approx(-0.15, abs=1e-12)
    assert shares.error == pytest.approx((0.4 * 0.6 / 400) ** 0.5, rel=1e-12)


def test_few_rows_of_many_move_nothing_though_all_of_them_were_lost() -> None:
    (check,) = exclusion_losses(LostShares(8, 8, 10_000, 3_000), 0)
    assert LostShares(8, 8, 10_000, 3_000).unlike
    assert check.passed is True
    (check,) = exclusion_losses(LostShares(200, 200, 10_000, 3_000), 0)
    assert check.passed is False
    assert dict(check.facts) == {"n": 200, "lost": 200, "n_others": 10_000, "lost_others": 3_000}


def test_nothing_of_a_small_cell_is_published() -> None:
    (check,) = exclusion_losses(LostShares(200, 197, 10_000, 3_000), 5)
    assert dict(check.facts) == {"blank": True}
    assert check.value != check.value
    assert list(exclusion_losses(None, 0)) == []


def test_check_says_who_was_excluded_where_their_times_are_invalid() -> None:
    rows = table()
    rows["months"] = rows["months"].where(rows.index >= 9, -3)
    cohort = read_cohort(rows, spec(STAY, analysis={"models": "quick"}), drop_invalid=True)
    assert cohort.excluded == LostShares(9, 9, 21, 3)
    said = "note: 9 of the 9 customers who were excluded were lost, but 3 of the 21 others"
    assert any(line.startswith(said) for line in profile_lines(cohort))
    page = sentences(first_page(gather(analyse(cohort).results)), "notice")
    assert said.removeprefix("note: ") in page


def test_who_had_left_before_the_survey_is_no_loss_after_it() -> None:
    rows = table(ended=("2024-12-01", None)).assign(asked="2025-01-01")
    dates = {"survey": "asked", "end": "ended", "observed_until": "2025-12-31"}
    cohort = read_cohort(rows, spec({"subscription": dates}), drop_invalid=True)
    assert cohort.excluded == LostShares(0, 0, 18, 0, 12)
    assert list(exclusion_losses(cohort.excluded, 0)) == []
