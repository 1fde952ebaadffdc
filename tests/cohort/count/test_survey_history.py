"""Surveys that all count: each starts a clock of its own, with the score before, its number and the time since."""

import datetime
from collections import Counter
from itertools import groupby

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tabled import spec

from cxlink.cohort.count.clusters import bucket_of
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import read_cohort

UNTIL = "2026-06-30"
DATED = {"survey": "survey", "end": "end", "observed_until": UNTIL}
STRATA = ["stratum.previous_score", "stratum.survey_number", "stratum.since_last_survey"]
SURVEYS = pd.DataFrame({
    "who": ["a", "a", "a", "b", "b", "c", "d", "d", "e", "f"],
    "score": [8, 5, 5, 9, None, 3, None, None, 10, 1],
    "survey": ["2025-01-10", "2025-06-09", "2026-06-10", "2025-02-05", "2025-03-05", "2025-05-01", "2025-01-01",
               "2025-06-01", "2024-07-01", "2024-10-01"],
    "end": ["2026-06-20", "2026-06-20", "2026-06-20", None, None, "2025-05-20", None, None, None, None],
})  # fmt: skip


def every(**sections: object) -> CohortSpec:
    return spec(**{"cohort": {"id": "who", "repeat": "all"}, "subscription": DATED, **sections})


def test_each_survey_is_counted_from_its_own_day_on_with_what_came_before() -> None:
    counts = read_cohort(SURVEYS, every()).count()
    rows = counts.scored.set_index("wave")
    assert list(rows.loc["2025Q1", "previous"].isna()) == [True, True]
    second, third = rows.loc["2025Q2"][rows.loc["2025Q2", "score"] == 5].iloc[0], rows.loc["2026Q2"]
    # a loss on 20 June 2026 falls in the thirteenth month of 9 June 2025, and twelve whole months can be followed
    assert (second["exit"], second["cause"], second["previous"]) == (12, "", 8)
    assert list(second[STRATA]) == ["middle", "2", "<6"]
    # from 10 June to 30 June 2026 is no whole month
    assert (third["exit"], third["cause"], third["previous"]) == (0, "", 5)
    assert list(third[STRATA]) == ["middle", "3+", ">=12"]
    third_of_c = rows[rows["score"] == 3].iloc[0]
    assert (third_of_c["exit"], third_of_c["cause"], list(third_of_c[STRATA])) == (
        1,
        "lost",
        ["first", "1", "first"],
    )
    assert set(rows["bucket"]) == {bucket_of(who) for who in "abcef"}


def test_pairs_of_scores_are_those_of_a_query_of_the_rows() -> None:
    pairs = read_cohort(SURVEYS, every()).count_repeats()
    assert pairs.to_numpy().tolist() == [[8, 5, 1]]  # a's first and second; nobody else gave two
    rows = pd.concat(
        [SURVEYS.assign(who=SURVEYS["who"] + str(k), score=SURVEYS["score"] - k % 2) for k in range(3)]
    )
    alike = [
        read_cohort(
            rows, every(score={"column": "score", "scale": "0-10"}, cohort={"id": "who", "repeat": asked})
        )
        for asked in ("all", "first")
    ]
    pd.testing.assert_frame_equal(*(one.count_repeats() for one in alike))


def test_unanswered_surveys_of_who_answered_are_left_out_and_said() -> None:
    counts = read_cohort(SURVEYS, every()).count()
    assert counts.profile.rows_read == 10
    assert counts.profile.rows_used == 8
    assert counts.profile.dropped == (Remark("unanswered_survey", 2),)
    unscored = counts.cells[counts.cells["score"].isna()]
    assert unscored["n"].sum() == 1  # d, once


def test_a_survey_table_of_its_own_gives_the_same_counts() -> None:
    customers = SURVEYS.drop_duplicates("who")[["who", "end"]]
    asked = SURVEYS[["who", "score", "survey"]]
    one = read_cohort(SURVEYS, every()).count().cells
    joined = customers.merge(asked, on="who", how="left")
    pd.testing.assert_frame_equal(
        read_cohort(joined.sample(frac=1, random_state=3), every()).count().cells, one
    )


def test_bands_of_the_time_since_are_the_users_and_may_be_left_out() -> None:
    cut = read_cohort(SURVEYS, every(adjust={"bands": {"since_last_survey": [4.0]}})).count()
    assert set(cut.cells[STRATA[2]]) == {"first", ">=4"}
    none = read_cohort(SURVEYS, every(adjust={"bands": {"since_last_survey": []}})).count()
    assert STRATA[2] not in none.cells


def test_a_short_scale_is_adjusted_for_by_level_and_a_long_one_by_band() -> None:
    short = SURVEYS.assign(score=[4, 5, 1, 2, None, 3, None, None, 1, 1])
    counts = read_cohort(short, every(score={"column": "score", "scale": "1-5"})).count()
    assert set(counts.cells[STRATA[0]]) == {"first", "4", "5"}
    lower = every(score={"column": "score", "scale": "1-10", "higher_is_better": False})
    turned = read_cohort(SURVEYS.assign(score=[1, 10, 5, 2, None, 3, None, None, 1, 1]), lower).count()
    assert set(turned.cells[STRATA[0]]) == {"first", "best", "worst"}


@pytest.mark.long
def test_a_survey_on_the_same_day_is_refused_or_left_out_with_its_twin() -> None:
    twice = pd.concat([SURVEYS, SURVEYS[1:2].assign(score=9)], ignore_index=True)
    with pytest.raises(
        InputError, match=r"who must not have two scores on one day \(survey\)\. 2 of 9 rows fail"
    ) as e:
        read_cohort(twice, every())
    assert "--drop-invalid" in str(e.value)
    assert "\n" not in str(e.value)
    counts = read_cohort(twice, every(), drop_invalid=True).count()
    assert sum(one.n for one in counts.profile.dropped if one.code == "invalid") == 2
    # the third survey is now the second, a year and five months after the first
    third = counts.cells[counts.cells["wave"] == "2026Q2"].iloc[0]
    assert (third["previous"], list(third[STRATA])) == (8, ["middle", "2", ">=12"])


def test_a_customer_with_half_of_the_surveys_is_refused() -> None:
    with pytest.raises(InputError, match=r'one who has 3 of the 6 surveys \(\[cohort\] repeat = "all"\)'):
        read_cohort(SURVEYS[:8], every())


def test_a_survey_after_the_end_and_one_of_nobody_are_refused() -> None:
    with pytest.raises(InputError, match="survey must not be after end"):
        read_cohort(SURVEYS.assign(end="2025-02-01"), every())
    with pytest.raises(InputError, match=r"who must be there in every row\. 1 of 10 rows fails"):
        read_cohort(SURVEYS.assign(who=["a", None, *"abbcddef"]), every())


DURATIONS = {"duration": "months", "event": "left", "survey": "survey"}


def test_durations_need_a_day_of_each_survey() -> None:
    table = SURVEYS.assign(months=range(10), left=0)
    counts = read_cohort(table, every(subscription=DURATIONS)).count()
    assert list(counts.scored.sort_values("exit")["exit"]) == [0, 1, 2, 3, 5, 8, 9]
    assert list(counts.scored.sort_values("exit")["previous"].fillna(0)) == [0, 8, 5, 0, 0, 0, 0]
    with pytest.raises(
        InputError, match=r"survey must be there in every row with a score\. 1 of 8 rows fails"
    ):
        read_cohort(
            table.assign(survey=table["survey"].where(table.index != 1)), every(subscription=DURATIONS)
        )


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"cohort": {"repeat": "all"}}, 'repeat = "all" needs id'),
        (
            {"subscription": {"duration": "months", "event": "left"}},
            r'repeat = "all" needs \[subscription\] survey',
        ),
        (
            {"subscription": {**DATED, "signup": "joined", "clock": "signup"}},
            "starts time anew at each survey",
        ),
        ({"analysis": {"target": "customers"}}, "needs one survey a customer"),
        (
            {"subscription": {**DATED, "signup": "joined", "gap_days": 3}},
            r"goes without \[subscription\] gap_days",
        ),
        ({"adjust": {"columns": ["previous_score"]}}, r"\[adjust\] previous_score is worked out"),
        ({"adjust": {"bands": {"survey_number": [2.0]}}}, r"\[adjust\] survey_number is worked out"),
    ],
)
def test_what_does_not_go_with_several_surveys_is_refused(sections: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        every(**sections)


DAYS = st.dates(datetime.date(2023, 1, 1), datetime.date(2026, 6, 30))
ROWS = st.lists(
    st.tuples(st.sampled_from("abcd"), st.one_of(st.none(), st.integers(1, 10)), DAYS), min_size=1, max_size=12,
    unique_by=lambda row: (row[0], row[2]),
)  # fmt: skip


def _months(start: datetime.date, end: datetime.date) -> int:
    """Whole months: the largest m with start + m months ≤ end, month ends clipped."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return max(
        m for m in range(months + 1)
        if m == 0 or (pd.Timestamp(start) + pd.DateOffset(months=m)).date() <= end
    )  # fmt: skip


def _by_hand(rows: list[tuple[str, int | None, datetime.date]]) -> Counter[tuple[object, ...]]:
    """Cells by plain loops: score, score before, number, band of the time since, whole months followed."""
    found: Counter[tuple[object, ...]] = Counter()
    until = datetime.date.fromisoformat(UNTIL)
    for who, mine in groupby(sorted(rows, key=lambda row: (row[0], row[2])), lambda row: row[0]):
        every_row = list(mine)
        answered = [row for row in every_row if row[1] is not None]
        if not answered:
            found["no score", who, _months(every_row[0][2], until)] += 1
        for place, (_, score, day) in enumerate(answered):
            before = answered[place - 1] if place else None
            gap = _months(before[2], day) if before else None
            band = "first" if gap is None else "<6" if gap < 6 else "6-<12" if gap < 12 else ">=12"
            number = str(place + 1) if place < 2 else "3+"
            found[
                score, before[1] if before else None, number, band, _months(day, until), bucket_of(who)
            ] += 1
    return found


OTHERS = [(str(k), None, datetime.date(2025, 1, 1)) for k in range(20)]
"""Customers who did not answer: with half of the surveys one customer would be refused."""


@pytest.mark.long
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ROWS)
def test_surveys_are_counted_as_plain_loops_count_them(
    drawn: list[tuple[str, int | None, datetime.date]],
) -> None:
    rows = [*drawn, *OTHERS]
    table = pd.DataFrame(rows, columns=["who", "score", "survey"]).assign(end=None)
    cells = read_cohort(table.astype({"score": "Int64"}), every()).count().cells
    scored = cells[cells["score"].notna()]
    counted: Counter[tuple[object, ...]] = Counter()
    names = ["score", "previous", *STRATA[1:], "exit", "bucket", "n"]
    for *key, n in scored[names].astype(object).itertuples(index=False, name=None):
        counted[tuple(None if pd.isna(one) else one for one in key)] += n
    by_hand = _by_hand(rows)
    assert counted == Counter({key: n for key, n in by_hand.items() if key[0] != "no score"})
    unscored = sum(n for key, n in by_hand.items() if key[0] == "no score")
    assert cells.loc[cells["score"].isna(), "n"].sum() == unscored
