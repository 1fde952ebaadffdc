"""Durations on the clock: how a recorded number is read, late entry, follow-up, causes, and who carries nothing."""

import numpy as np
import pandas as pd
import pytest
from tabled import STAY, cells, count, refusal, spec, stay

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_words import profile_notes, time_origin

MONTH = {"unit": "month"}


def test_a_loss_recorded_at_three_fell_in_the_third_period() -> None:
    table = stay([5] * 4, [3, 3, 2, 1], [1, 0, 1, 1])
    assert cells(count(table)) == {
        (5, 0, 3, "lost"): 1,
        (5, 0, 3, ""): 1,
        (5, 0, 2, "lost"): 1,
        (5, 0, 1, "lost"): 1,
    }


COMPLETED = {**STAY["subscription"], "counts": "completed", "follow_up": "seen"}


def test_completed_periods_need_follow_up() -> None:
    with pytest.raises(InputError, match=r'counts = "completed" needs follow_up, the whole periods'):
        spec({**STAY, "subscription": {**STAY["subscription"], "counts": "completed"}})


def test_completed_periods_with_follow_up_hold_the_truth() -> None:
    """Hazard .05 a month, follow-up uniform on 0 to 24 months: retention is e^-.6 at 12 and e^-1.15 at 23 months."""
    rng, n = np.random.default_rng(1), 200_000
    stays, seen = rng.exponential(20, n), rng.uniform(0, 24, n)
    table = stay(np.full(n, 5), np.floor(np.minimum(stays, seen)), stays <= seen, seen=np.floor(seen))
    found = count(table, subscription=COMPLETED).cells
    at_risk = np.array([found.loc[found["exit"] >= t, "n"].sum() for t in range(1, 25)])
    lost = np.array(
        [found.loc[(found["exit"] == t) & (found["cause"] != ""), "n"].sum() for t in range(1, 25)]
    )
    curve = np.cumprod(1 - lost[:23] / at_risk[:23])
    # Greenwood's standard errors are .0013 and .0024
    assert curve[11] == pytest.approx(np.exp(-0.6), abs=4 * 0.0014)
    assert curve[22] == pytest.approx(np.exp(-1.15), abs=4 * 0.0026)
    assert at_risk[23] == 0  # nobody is followed through the last month: no loss in it counts


def _recorded(n: int) -> pd.DataFrame:
    """Hazard .05 a month, follow-up uniform on 0 to 24 months: losses rounded up, customers retained down."""
    rng = np.random.default_rng(1)
    stays, seen = rng.exponential(20, n), rng.uniform(0, 24, n)
    lost = stays <= seen
    return stay(np.full(n, 5), np.where(lost, np.ceil(stays), np.floor(seen)), lost)


def test_losses_in_a_last_period_that_no_survivor_is_followed_through_are_set_aside() -> None:
    table = _recorded(200_000)
    in_part = int((table["months"] == 24).sum())
    assert in_part > 20
    counts = count(table)
    assert counts.cells["exit"].max() == 23
    assert int(counts.cells.loc[counts.cells["cause"] != "", "n"].sum()) == table["lost"].sum() - in_part
    before = table[table["months"] < 24]
    before = cells(count(before), "exit", "cause")
    after = cells(counts, "exit", "cause")
    assert after.pop((23, "")) == before.pop((23, "")) + in_part
    assert after == before
    remark = Remark("last_part_set_aside", in_part, {**MONTH, "last": 23, "period": 24})
    assert remark in counts.profile.notes
    said = profile_notes(counts)[0]
    assert said.startswith(
        f"{in_part} losses were recorded in month 24, and no retained customer for more than 23 "
    )
    assert "count as retained after 23 months. Name [subscription] follow_up" in said


@pytest.mark.parametrize(
    ("months", "lost"),
    [
        ([1, 2, 2, 3], [1, 0, 1, 0]),  # a survivor is followed for as long
        ([1, 2, 3, 4], [1, 0, 1, 1]),  # losses later still: observation went on
        ([1, 2, 2, 3], [1, 1, 1, 1]),  # nobody is censored
        ([1, 0, 1, 1], [1, 0, 1, 1]),  # nobody survives a period
        ([2, 0, 4, 5], [0, 0, 1, 1]),  # losses two periods on
    ],
)
def test_other_last_losses_stay(months: list[int], lost: list[int]) -> None:
    counts = count(stay([5] * 4, months, lost))
    assert int(counts.cells.loc[counts.cells["cause"] != "", "n"].sum()) == sum(lost)
    assert not [note for note in counts.profile.notes if note.code == "last_part_set_aside"]


def test_follow_up_that_is_named_needs_no_last_part() -> None:
    table = stay([5] * 12, [1, 2, *[3] * 10], [1, 0, *[1] * 10], seen=[9] * 12)
    named = {**STAY["subscription"], "follow_up": "seen"}
    assert cells(count(table, subscription=named), "exit", "cause") == {
        (1, "lost"): 1,
        (2, ""): 1,
        (3, "lost"): 10,
    }
    assert cells(count(table), "exit", "cause") == {(1, "lost"): 1, (2, ""): 11}
    # nine may be the last few at risk, all lost
    assert cells(count(table[:-1]), "exit", "cause") == {(1, "lost"): 1, (2, ""): 1, (3, "lost"): 9}


def test_all_rows_decide_together_on_the_last_part() -> None:
    """Of score 1 no survivor is as late as of score 5; who has no score decides as well, and nobody without a time."""
    ten = [1] * 10
    table = stay([*ten, 1, 5, 5, None], [*[2] * 10, 1, 3, 3, None], [*ten, 0, 0, 1, 0])
    assert cells(count(table), "score", "exit", "cause")[1, 2, "lost"] == 10
    unscored = stay([5, *[5] * 10, None], [2, *[3] * 10, 3], [0, *ten, 0])
    assert cells(count(unscored), "exit", "cause") == {(2, ""): 1, (3, "lost"): 10, (3, ""): 1}
    without = stay([5, *[5] * 10, None], [2, *[3] * 10, None], [0, *ten, 0])
    assert cells(count(without), "score", "exit", "cause")[5, 2, ""] == 11


def test_fractions_without_follow_up_are_noted() -> None:
    table = stay([5] * 3, [2.5, 3.5, 3], [1, 0, 1])
    assert count(table).profile.notes == (Remark("followed_in_part", 1, facts=MONTH),)
    (said,) = profile_notes(count(table))
    assert "1 loss was recorded with part of a month, and no follow_up is named" in said
    whole = stay([5] * 3, [2, 3.5, 3], [1, 0, 1])
    assert count(whole).profile.notes == ()
    known = {**STAY["subscription"], "follow_up": "seen"}
    assert count(table.assign(seen=9), subscription=known).profile.notes == ()


def test_completed_periods_put_a_loss_into_the_next_one() -> None:
    table = stay([5] * 3, [3, 3, 0], [1, 0, 1], seen=[9] * 3)
    found = cells(count(table, subscription=COMPLETED))
    assert found == {(5, 0, 4, "lost"): 1, (5, 0, 3, ""): 1, (5, 0, 1, "lost"): 1}


def test_the_other_reading_needs_no_second_look_at_the_table() -> None:
    cohort = read_cohort(stay([5, 5], [3, 3], [1, 0]), spec(STAY))
    assert cells(cohort.count("completed")) == {(5, 0, 4, "lost"): 1, (5, 0, 3, ""): 1}
    with pytest.raises(InputError, match="counts 'complete' is neither periods nor completed"):
        cohort.count("complete")
    assert cells(cohort.count("periods")) == cells(cohort.count()) == {(5, 0, 3, "lost"): 1, (5, 0, 3, ""): 1}


@pytest.mark.parametrize(
    ("counts", "lost_at", "there_at"),
    [
        ("periods", {2.5: 3, 2.0: 2, 0.2: 1, 0.0: 1}, {2.9: 2, 0.9: 0}),
        ("completed", {2.5: 3, 2.0: 3, 0.2: 1}, {2.9: 2, 0.9: 0}),
    ],
)
def test_fractions(counts: str, lost_at: dict[float, int], there_at: dict[float, int]) -> None:
    """A loss after 2.5 periods fell in the third; a survivor's fraction is rounded down."""
    for months, lost, period in [
        *((m, 1, p) for m, p in lost_at.items()),
        *((m, 0, p) for m, p in there_at.items()),
    ]:
        found = cells(
            count(stay([5], [months], [lost], seen=[9]), subscription={**COMPLETED, "counts": counts})
        )
        assert found == {(5, 0, period, "lost" if lost else ""): 1}, months


def test_a_loss_at_zero_is_in_the_first_period_and_reported() -> None:
    counts = count(stay([5, 5, None, 5], [0, 0, 0, 0.5], [1, 1, 1, 1]))
    assert cells(counts, "exit", "cause") == {(1, "lost"): 4}
    assert counts.profile.notes == (Remark("lost_at_zero", 2, facts=MONTH),)
    completed = count(stay([5], [0], [1], seen=[9]), subscription=COMPLETED)
    assert completed.profile.notes == ()


def test_a_survivor_at_zero_carries_nothing_and_is_reported() -> None:
    counts = count(stay([5, 5], [0, 2], [0, 0]))
    assert counts.profile.notes == (Remark("followed_briefly", 1, facts=MONTH),)


def test_follow_up_cuts_losses_and_survivors_alike() -> None:
    table = stay([5] * 5, [5, 5, 3, 3, 2.5], [1, 0, 1, 0, 1], seen=[3, 3, 3, 9, 2])
    counts = count(table, subscription={**STAY["subscription"], "follow_up": "seen"})
    assert cells(counts) == {(5, 0, 3, ""): 3, (5, 0, 3, "lost"): 1, (5, 0, 2, ""): 1}
    assert counts.profile.notes == (Remark("lost_after_follow_up", 2, facts=MONTH),)


def test_entry_is_rounded_up_to_the_next_whole_period() -> None:
    table = stay([5] * 5, [6, 6, 6, 3, 2.5], [1, 0, 1, 1, 0], before=[0, 2, 2.1, 3, 2.4])
    counts = count(table, subscription={**STAY["subscription"], "entry": "before"})
    assert cells(counts) == {(5, 0, 6, "lost"): 1, (5, 2, 6, ""): 1, (5, 3, 6, "lost"): 1}
    assert counts.profile.dropped == (
        Remark("lost_before_entry", 1, facts=MONTH), Remark("censored_before_entry", 1, facts=MONTH),
    )  # fmt: skip
    completed = {**COMPLETED, "entry": "before"}
    assert cells(count(stay([5], [3], [1], before=[3], seen=[9]), subscription=completed)) == {
        (5, 3, 4, "lost"): 1
    }


def test_a_window_looks_back_from_the_exit() -> None:
    counts = count(
        stay([5] * 4, [40, 40, 2, 0], [1, 0, 0, 0]), subscription={**STAY["subscription"], "window": 3}
    )
    assert cells(counts) == {(5, 37, 40, "lost"): 1, (5, 37, 40, ""): 1, (5, 0, 2, ""): 1}
    assert time_origin(counts.spec) == "Durations are in months since signup, observed for the last 3 months."
    assert counts.profile.dropped == (Remark("under_one_period", 1, facts=MONTH),)


def test_causes_are_of_losses_only() -> None:
    table = stay(
        [5] * 5, [3] * 5, [1, 1, 1, 0, 1], why=["price", None, "moved ", "price", "  "], seen=[9, 9, 9, 9, 2]
    )
    sub = {**STAY["subscription"], "cause": "why"}
    assert cells(count(table, subscription=sub), "cause") == {"price": 1, "(missing)": 2, "moved": 1, "": 1}
    assert cells(count(table, subscription={**sub, "follow_up": "seen"}), "cause") == {
        "price": 1,
        "(missing)": 1,
        "moved": 1,
        "": 2,
    }


def test_customers_without_a_score_are_counted_and_no_error() -> None:
    table = stay([5, None, None], [3, 3, None], [1, 0, None])
    counts = count(table)
    assert cells(counts) == {(5, 0, 3, "lost"): 1, (None, 0, 3, ""): 1, (None, 0, 0, ""): 1}
    assert int(counts.scored["n"].sum()) == 1
    assert counts.profile.dropped == ()


def test_nobody_with_a_score_is_a_sentence() -> None:
    counts = count(stay([None, None], [3, 2], [1, 0]))
    assert profile_notes(counts) == ["No customer in the table has a score: score is empty in every row."]
    assert counts.scored.empty


def test_losses_may_be_true_and_false_or_text() -> None:
    expected = {(5, 0, 3, "lost"): 1, (5, 0, 3, ""): 1}
    for lost in (
        [True, False],
        ["true", "FALSE"],
        [" 1", "0"],
        [1.0, 0.0],
        ["1.0", "0.0"],
        pd.array([1, 0], dtype="UInt8"),
    ):
        assert cells(count(stay([5, 5], [3, 3], list(lost)))) == expected


def test_the_unit_is_said_in_words() -> None:
    counts = count(stay([5], [3], [1]), subscription={**STAY["subscription"], "unit": "quarter"})
    assert time_origin(counts.spec) == "Durations are in quarters since the score."


ODD = {
    "nobody lost": (stay([1, 10], [3, 4], [0, 0]), {(1, 0, 3, ""): 1, (10, 0, 4, ""): 1}),
    "everybody lost at once": (stay([1, 10], [1, 1], [1, 1]), {(1, 0, 1, "lost"): 1, (10, 0, 1, "lost"): 1}),
    "one customer": (stay([7], [2], [1]), {(7, 0, 2, "lost"): 1}),
    "one level": (stay([7, 7], [2, 2], [1, 1]), {(7, 0, 2, "lost"): 2}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_tables_are_counted(name: str) -> None:
    table, expected = ODD[name]
    assert cells(count(table)) == expected


def test_a_scale_from_nought_and_one_on_which_lower_is_better() -> None:
    counts = count(stay([0, 10], [2, 2], [1, 0]), score={"scale": "0-10", "higher_is_better": False})
    assert cells(counts, "score") == {0: 1, 10: 1}
    assert (counts.spec.worst, counts.spec.best) == ((4, 5, 6, 7, 8, 9, 10), (0, 1, 2, 3))


def test_an_age_may_be_over_a_hundred_years() -> None:
    ages = stay([5, 6], [1_260, 2_400], [1, 0])
    assert cells(count(ages)) == {(5, 0, 1_260, "lost"): 1, (6, 0, 2_400, ""): 1}
    assert "must be a number of months from 0 to 2,400" in refusal(stay([5], [2_401], [1]))
    table = pd.DataFrame({"score": [5], "survey": ["1920-01-01"], "end": ["2025-06-15"]})
    found = count(table, subscription={"survey": "survey", "end": "end", "observed_until": "2026-06-30"})
    assert cells(found) == {(5, 0, 1_266, "lost"): 1}
