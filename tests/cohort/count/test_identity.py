"""One row a customer: ids that repeat or are missing, and the first survey that was answered."""

from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest
from tabled import STAY, cells, count, spec, stay

from cxlink.cohort.count import identity
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort

ID = {"cohort": {"id": "customer"}}
DATES = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
FIRST: dict[str, Any] = {"cohort": {"id": "customer", "repeat": "first"}, "subscription": DATES}


def test_ids_that_do_not_repeat_change_nothing() -> None:
    table = stay([5, 6], [3, 4], [1, 0], customer=["a", "b"])
    assert count(table, STAY, ID).cells.equals(count(table, STAY).cells)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b", "a"], "One occurs more than once: a (2 rows)."),
        ([7, 7, 7], "One occurs more than once: 7 (3 rows)."),
        (["b", "b", "a", "a", "c"], "2 of them occur more than once, such as a (2 rows)."),
    ],
)
def test_an_id_that_repeats(ids: list[Any], message: str) -> None:
    table = stay([5] * len(ids), [3] * len(ids), [1] * len(ids), customer=ids)
    for given in (table, ibis.memtable(table)):
        with pytest.raises(InputError) as refused:
            count(given, STAY, ID)
        assert str(refused.value) == (
            f'table: customer must not repeat. {message} Keep one row a customer, or set [cohort] repeat = "first".'
        )


@pytest.mark.long
def test_ids_are_found_to_repeat_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [f"c{i * 7919 % 1000}" for i in range(200)] + ["c7", "c919", "c7"]
    table = stay([5] * len(ids), [3] * len(ids), [1] * len(ids), customer=ids)
    for most in (1, 10, 1000):
        monkeypatch.setattr(identity, "MOST_AT_ONCE", most)
        with pytest.raises(InputError, match=r"2 of them occur more than once, such as c7 \(2 rows\)"):
            count(table, STAY, ID)
        assert count(table.head(200), STAY, ID).cells["n"].tolist() == [200]


@pytest.mark.parametrize("at", [0, 5, 98])
@pytest.mark.parametrize("looked_at", [2, 50, 1000])
def test_one_repeat_among_ids_that_rise_is_found(
    at: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "LOOKED_AT", looked_at)
    ids = sorted([*range(99), at])
    table = stay([5] * 100, [3] * 100, [1] * 100, customer=ids)
    with pytest.raises(InputError, match=rf"One occurs more than once: {at} \(2 rows\)"):
        count(table, STAY, ID)


def test_ids_that_rise_are_not_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_parts", None)
    table = stay([5] * 9, [3] * 9, [1] * 9, customer=[f"c{i}" for i in range(9)])
    assert count(table, STAY, ID).cells["n"].tolist() == [9]
    with pytest.raises(TypeError):
        count(table.iloc[::-1], STAY, ID)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", None, "c"], "1 of 3 rows fails, in row 2 (found nothing)."),
        (["a", " ", ""], "2 of 3 rows fail, the first in row 2 (found nothing)."),
        ([1.0, float("nan"), float("nan")], "2 of 3 rows fail, the first in row 2 (found nothing)."),
    ],
)
@pytest.mark.parametrize("repeat", ["error", "first"])
def test_an_id_that_is_missing(ids: list[Any], message: str, repeat: str) -> None:
    table = pd.DataFrame({"score": 5, "survey": "2025-01-01", "end": None, "customer": ids})
    with pytest.raises(InputError) as refused:
        count(table, subscription=DATES, cohort={"id": "customer", "repeat": repeat})
    assert str(refused.value) == (
        f"table: customer must be there in every row. {message} Fill it in, or leave [cohort] id out."
    )


def test_the_first_survey_that_was_answered_counts() -> None:
    table = pd.DataFrame(
        {
            "customer": ["a", "a", "a", "b", "b", "c", "d", "d"],
            "score": [9, 2, None, None, 4, None, 3, 8],
            "survey": [
                "2025-05-01",
                "2025-03-01",
                "2025-01-01",
                "2025-01-01",
                "2025-02-01",
                None,
                "2025-04-01",
                "2025-04-01",
            ],
            "end": [None, None, None, None, None, None, "2025-06-15", "2025-06-15"],
        }
    )
    counts = count(table, FIRST)
    # a answered in March, b in February, c never; d twice on one day: the lower score
    assert cells(counts) == {(2, 0, 15, ""): 1, (4, 0, 16, ""): 1, (None, 0, 0, ""): 1, (3, 0, 3, "lost"): 1}
    assert counts.profile.dropped == (Remark("later_survey", 4),)
    assert (counts.profile.rows_read, counts.profile.rows_used) == (8, 4)
    assert Remark("same_day", 1, facts={"column": "score"}) in counts.profile.notes
    agreeing = count(table.assign(score=[9, 2, None, None, 4, None, 3, 3]), FIRST)
    assert "same_day" not in [note.code for note in agreeing.profile.notes]
    shuffled = count(table.sample(frac=1, random_state=1), FIRST)
    assert shuffled.cells.equals(counts.cells)


def test_ties_are_broken_by_what_is_said_not_by_the_order_of_rows() -> None:
    table = pd.DataFrame(
        {
            "customer": "a",
            "score": 5,
            "survey": "2025-01-01",
            "end": None,
            "plan": ["x", "y"],
            "rank_": [1, 2],
            "RANK__": [2, 1],
        }
    )
    first = count(table, FIRST, adjust={"columns": ["plan"]})
    second = count(table[::-1], FIRST, adjust={"columns": ["plan"]})
    assert first.cells.equals(second.cells)
    assert first.profile.rows_used == 1


def test_a_broken_later_survey_is_still_an_error_in_its_own_row() -> None:
    table = pd.DataFrame(
        {
            "customer": ["b", "a", "a"],
            "score": [5, 5, 11],
            "survey": ["2025-01-01", "2025-01-01", "2025-02-01"],
            "end": None,
        }
    )
    with pytest.raises(InputError, match=r"1 of 3 rows fails, in row 3 \(found 11"):
        count(table, FIRST)
    cohort = read_cohort(table, spec(FIRST), drop_invalid=True)
    assert cohort.dropped == (Remark("invalid", 1, {"rule": "score must be a whole number from 1 to 10"}),)
    assert cohort.rows_read == 3


def test_a_repeat_that_is_only_an_invalid_row_goes_with_it() -> None:
    table = stay([5, 11], [3, 3], [1, 1], customer=["a", "a"])
    counts = read_cohort(table, spec(STAY, ID), drop_invalid=True).count()
    assert cells(counts) == {(5, 0, 3, "lost"): 1}


def test_from_text_with_leading_noughts(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("customer,score,months,lost\n01,5,3,1\n1,5,3,1\n")
    assert count(tmp_path / "t.csv", STAY, ID).profile.rows_used == 2


@pytest.mark.parametrize("drop_invalid", [False, True])
def test_a_later_survey_that_is_not_used_needs_no_rule_of_its_own(drop_invalid: bool) -> None:
    table = pd.DataFrame(
        {
            "customer": ["a", "a", "b", "b"],
            "score": [5, 8, 7, 6],
            "survey": ["2025-01-01", "2025-05-01", "2025-02-01", "2025-03-01"],
            "end": ["2025-03-15", "2025-03-15", None, None],
        }
    )
    cohort = read_cohort(table, spec(FIRST), drop_invalid)
    assert cohort.dropped == (Remark("later_survey", 2),)
    assert cohort.rows_read == 4
    assert cohort.count().cells.equals(count(table.iloc[[0, 2]], FIRST).cells)


@pytest.mark.parametrize(
    ("of", "values", "must"),
    [
        ("survey", ["2025-04-01", "2025-05-01"], "survey must not be after end"),
        ("survey", ["2025-01-01", "soon"], "survey must be a date"),
        ("survey", ["2025-01-01", None], "survey must be there in every row with a score"),
        ("score", [5, 11], "score must be a whole number from 1 to 10"),
    ],
)
def test_a_survey_that_is_used_or_may_have_been_the_first_needs_every_rule(
    of: str, values: list[object], must: str
) -> None:
    table = pd.DataFrame(
        {
            "customer": "a",
            "score": [5, 8],
            "survey": ["2025-01-01", "2025-02-01"],
            "end": ["2025-03-15", "2025-03-15"],
        }
    ).assign(**{of: values})
    with pytest.raises(InputError, match=must):
        count(table, FIRST)
