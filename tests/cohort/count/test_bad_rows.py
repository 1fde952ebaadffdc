"""Rows that break a rule: one line with the table, the rule, how many rows, where, what was found, and the cure."""

# ruff: noqa: E501 (messages are written out whole)

from datetime import date
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from tabled import DATES, DROP, PERIODS, STAY, cells, count, refusal, stay

from cxlink.cohort.count import grouping
from cxlink.cohort.read import dates

SPEND = {"spend": {"column": "spent", "complete": True}}
AMOUNT = "spent must be an amount of 0 or more, at most 1e+12, in every row with a score."
FILL = "Write 0 for no spend; an empty cell is left out of spend only."
RECOUNT = "Set [subscription] unit, or correct it."
REFUNDS = "Set [spend] refunds = true if refunds are meant."


def _dated(**columns: list[Any]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    whole = {"score": [5] * rows, "survey": ["2025-01-31"] * rows, "end": [None] * rows, **columns}
    return pd.DataFrame(whole)


def _score(found: str, n: int = 1, rows: int = 2, row: int = 1, cure: str = "Set [score] scale") -> str:
    fail = "row fails" if rows == 1 else "rows fails" if n == 1 else "rows fail"
    return f"table: score must be a whole number from 1 to 10. {n} of {rows} {fail}, {'the first ' if n > 1 else ''}in row {row} (found {found}). {cure}, {DROP}"


def _coded(found: str) -> str:
    return f'Set [score] scale, set [table] missing = {{ score = ["{found}"] }} if it means no answer'


def _worded(found: str) -> str:
    return f'Recode words as numbers, set [table] missing = {{ score = ["{found}"] }} if it means no answer'


SCORES: list[tuple[list[Any], str]] = [
    ([11, 5], _score("11", cure=_coded("11"))),
    ([0, 5], _score("0", cure=_coded("0"))),
    ([5, -1], _score("-1", row=2, cure=_coded("-1"))),
    ([5.5, 5], _score("5.5", cure="Set [score] round = true, by which averages count as the nearest level")),
    ([float("inf"), 5], _score("inf")),
    ([-0.0, 5.0], _score("-0.0", cure=_coded("-0"))),
    ([1e300, 5], _score("1e+300", cure=_coded("1e+300"))),
    ([10**18, 5], _score(str(10**18), cure=_coded(str(10**18)))),
    ([10**30, 5], _score(str(10**30), cure=_coded(str(10**30)))),
    (["good", "bad"], _score("good", n=2, cure=_worded("good"))),
    (["5", "5,5"], _score("5,5", row=2, cure='Set [table] decimal = ","')),
    ([5, "x"], _score("x", row=2, cure=_worded("x"))),
    ([[5], [6]], _score("[5]", n=2, cure=_worded("[5]"))),
    ([5j, 6j], _score("5j", n=2, cure=_worded("5j"))),
    (
        list(pd.to_datetime(["2024-01-31", "2024-01-31"])),
        _score("'2024-01-31 00:00:00'", n=2, cure=_worded("2024-01-31 00:00:00")),
    ),
    (["very long indeed " * 9, 5], _score("'very long indeed very long indeed very l'")),
]


@pytest.mark.parametrize(("score", "message"), SCORES, ids=[str(score)[:30] for score, _ in SCORES])
def test_scores_that_are_none(score: list[Any], message: str) -> None:
    assert refusal(stay(score, [3, 3], [1, 0])) == message


def test_scores_of_small_and_unsigned_types() -> None:
    for kind in (pa.uint8(), pa.uint64(), pa.int8(), pa.float32(), pa.decimal128(4, 1)):
        table = pa.table({"score": pa.array([5.0, 99.0]).cast(kind), "months": [3, 3], "lost": [1, 0]})
        assert "1 of 2 rows fails, in row 2 (found 99" in refusal(table)


def test_true_and_false_are_a_score_from_nought_to_one_only() -> None:
    table = stay([True, False], [3, 3], [1, 0])
    assert (
        refusal(table)
        == "table: score holds true and false, no score from 1 to 10. Name another [score] column."
    )
    assert cells(count(table, STAY, score={"scale": "0-1"}), "score") == {1: 1, 0: 1}


BLANK = 'If an empty cell means no, set [table] false = [""] (true = [""] if it means yes)'


def _meaning(word: str) -> str:
    return f'Say what it means ([table] true = ["{word}"] or false = ["{word}"])'


EVENT = "table: lost must be 1 or 0, true or false, yes or no."
TABLES: dict[str, tuple[pd.DataFrame, dict[str, Any], str]] = {
    "an event of two": (stay([5, 5], [3, 3], [0, 2]), {}, f"{EVENT} 1 of 2 rows fails, in row 2 (found 2). {_meaning('2')}, or correct it."),
    "an event in words": (stay([5, 5], [3, 3], ["gone", "here"]), {}, f"{EVENT} 2 of 2 rows fail, the first in row 1 (found gone). {_meaning('gone')}, or correct it."),
    "an event of a half": (stay([5, 5], [3, 3], [0, 0.5]), {}, f"{EVENT} 1 of 2 rows fails, in row 2 (found 0.5). {_meaning('0.5')}, or correct it."),
    "no event": (stay([5, 5], [3, 3], [0, None]), {}, f"{EVENT} 1 of 2 rows fails, in row 2 (found nothing). {BLANK}, or correct it."),
    "no event of somebody without a score": (stay([None, 5], [3, 3], [None, 1]), {}, f"{EVENT} 1 of 2 rows fails, in row 1 (found nothing). {BLANK}, or correct it."),
    "a duration below nought": (stay([5, 5], [-1, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found -1). Correct it."),
    "a duration just below nought": (stay([5, 5], [-0.5, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found -0.5). Correct it."),
    "no duration": (stay([5, 5], [None, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found nothing). Fill it in."),
    "an infinite duration": (stay([5, 5], [float("inf"), 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found inf). Correct it."),
    "a duration in words": (stay([5, 5], ["3", "three months"], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 2 (found 'three months'). Correct it."),
    "a code for a missing duration": (stay([5, 5], [9999, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found 9999). {RECOUNT}"),
    "an entry beyond the duration": (stay([5, 5], [3, 3], [0, 1], before=[3, 4]), {"subscription": {"entry": "before"}}, "table: before must not be beyond months. 1 of 2 rows fails, in row 2 (found 4 and 3). Both count months since signup. Correct it."),
    "an entry just beyond the duration": (stay([5, 5], [3, 2.5], [0, 1], before=[3, 2.8]), {"subscription": {"entry": "before"}}, "table: before must not be beyond months. 1 of 2 rows fails, in row 2 (found 2.8 and 2.5). Both count months since signup. Correct it."),
    "no entry": (stay([5, 5], [3, 2], [0, 1], before=[3, None]), {"subscription": {"entry": "before"}}, f"table: before {PERIODS} 1 of 2 rows fails, in row 2 (found nothing). Fill it in, {DROP}"),
    "no follow-up": (stay([5, 5], [3, 2], [0, 1], seen=[3, -1]), {"subscription": {"follow_up": "seen"}}, f"table: seen {PERIODS} 1 of 2 rows fails, in row 2 (found -1). Correct it, {DROP}"),
    "a number to cut that is none": (stay([5, 5], [3, 2], [0, 1], age=["30", "old"]), {"adjust": {"bands": {"age": [40]}}}, f"table: age must be a number, since it is cut into bands. 1 of 2 rows fails, in row 2 (found old). Take it out of [adjust] bands, {DROP}"),
    "a survey that is no date": (stay([5], [3], [1], asked=["2024-13-01"]), {"subscription": {"survey": "asked"}}, f"table: asked must be a date, YYYY-MM-DD. 1 of 1 row fails, in row 1 (found 2024-13-01). Set [table] date_format = \"%Y-%d-%m\", write it as YYYY-MM-DD, {DROP}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_durations(kind: str) -> None:
    table, sections, message = TABLES[kind]
    assert refusal(table, STAY, sections) == message


MISSING = f"Fill them in, {DROP}"
DATED: dict[str, tuple[pd.DataFrame, dict[str, Any], str]] = {
    "a survey that is no date": (_dated(survey=["2025-02-30", "2025-01-31"]), {}, f"survey must be a date, YYYY-MM-DD. 1 of 2 rows fails, in row 1 (found 2025-02-30). There is no such day: correct it, {DROP}"),
    "another order": (_dated(survey=["31-01-2025", "2025/01/31"]), {}, f"survey must be a date, YYYY-MM-DD. 2 of 2 rows fail, the first in row 1 (found 31-01-2025). Set [table] date_format = \"%d-%m-%Y\", write it as YYYY-MM-DD, {DROP}"),
    "a number": (_dated(end=[None, 20250601]), {}, "end must be a date, YYYY-MM-DD. 1 of 2 rows fails, in row 2 (found 20250601.0). Set [table] date_format, or write it as YYYY-MM-DD."),
    "the end of time": (_dated(end=["infinity"]), {}, "end must be a date, YYYY-MM-DD. 1 of 1 row fails, in row 1 (found infinity). Set [table] date_format, or write it as YYYY-MM-DD."),
    "a survey after the end": (_dated(end=["2025-01-30", None]), {}, "survey must not be after end. 1 of 2 rows fails, in row 1 (found 2025-01-31 and 2025-01-30). Correct it."),
    "a survey after the cut-off": (_dated(survey=["2026-07-01"]), {}, f"survey must not be after 2026-06-30. 1 of 1 row fails, in row 1 (found 2026-07-01). Correct it, {DROP}"),
    "a signup after the survey": (_dated(joined=["2025-02-01", None]), {"signup": "joined"}, f"joined must not be after survey. 1 of 2 rows fails, in row 1 (found 2025-02-01 and 2025-01-31). Correct it, {DROP}"),
    "no survey": (_dated(survey=["2025-01-31", None]), {}, f"survey must be there in every row with a score. 1 of 2 rows fails, in row 2 (found nothing). {MISSING}"),
    "no cut-off": (_dated(until=["2026-01-31", None]), {"observed_until": "until"}, f"survey and until must be there in every row with a score. 1 of 2 rows fails, in row 2 (found 2025-01-31 and nothing). {MISSING}"),
    "no signup on its clock": (_dated(joined=["2025-01-31", None]), {"signup": "joined", "clock": "signup"}, f"joined and survey must be there in every row with a score. 1 of 2 rows fails, in row 2 (found nothing and 2025-01-31). {MISSING}"),
    "a code for a missing date": (_dated(survey=["0001-01-01", "2025-01-31"]), {}, f"survey must not be more than two hundred years before the end of observation. 1 of 2 rows fails, in row 1 (found 0001-01-01). Correct it, {DROP}"),
    "a cut-off far away": (_dated(until=["9999-12-31"]), {"observed_until": "until"}, f"until must not be after today, 2026-11-30. 1 of 1 row fails, in row 1 (found 9999-12-31). Write the last day on which the table still knew who had left, {DROP}"),
    "a cut-off tomorrow": (_dated(survey=["2025-01-31"]), {"observed_until": "2026-12-01"}, "[subscription] observed_until: 2026-12-01 has not come yet. Write the last day on which the table still knew who had left."),
    "a cut-off that is no day": (_dated(survey=["2025-01-31"]), {"observed_until": "2026-06-31"}, "[subscription] observed_until: 2026-06-31 is not a day of the calendar."),
    "a cut-off that is no column": (_dated(survey=["2025-01-31"]), {"observed_until": "surveys"}, "no column 'surveys' (observed_until). Did you mean 'survey'?"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DATED)
def test_tables_of_dates(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "today", lambda: date(2026, 11, 30))
    table, sub, message = DATED[kind]
    found = refusal(table, subscription={**DATES, **sub})
    assert found == (message if message.startswith("[") else f"table: {message}")


def test_follow_up_may_end_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "today", lambda: date(2026, 11, 30))
    table = _dated(survey=["2026-08-31"], until=["2026-11-30"])
    for until in ("until", "2026-11-30"):
        found = count(table, subscription={**DATES, "observed_until": until})
        assert cells(found, "exit", "cause") == {(3, ""): 1}


SPENT: list[tuple[list[Any], str]] = [
    ([-1, 5], "in row 1 (found -1)"),
    ([5, -0.01], "in row 2 (found -0.01)"),
    ([float("inf"), 5], "in row 1 (found inf)"),
    ([2e12, 5], "in row 1 (found 2000000000000.0)"),
    (["1e400", "5"], "in row 1 (found 1e400)"),
]


@pytest.mark.parametrize(("spent", "where"), SPENT)
def test_spend_that_is_no_amount(spent: list[Any], where: str) -> None:
    table = pd.DataFrame({"score": 5, "spent": spent})
    cure = f"{REFUNDS} {FILL}" if "-" in where else FILL
    assert refusal(table, SPEND) == f"table: {AMOUNT} 1 of 2 rows fails, {where}. {cure}"


def test_spend_with_refunds_must_still_be_finite() -> None:
    section = {"spend": {"column": "spent", "complete": True, "refunds": True}}
    assert count(pd.DataFrame({"score": 5, "spent": [-1.0, 5]}), section).cells["spend_sum"].tolist() == [4]
    message = refusal(pd.DataFrame({"score": 5, "spent": [-float("inf"), 5]}), section)
    assert (
        message
        == "table: spent must be an amount, at most 1e+12, in every row with a score. 1 of 2 rows fails, in row 1 (found -inf). Write 0 for no spend; an empty cell is left out of spend only."
    )


def test_a_window_that_says_neither() -> None:
    section = {"spend": {"column": "spent", "complete": "over"}}
    must = "table: over must be 1 or 0, true or false, yes or no, in every row with a score."
    table = pd.DataFrame({"score": [5, 5, None], "spent": 1.0, "over": [1, None, None]})
    assert refusal(table, section) == f"{must} 1 of 3 rows fails, in row 2 (found nothing). {BLANK}, {DROP}"
    table = pd.DataFrame({"score": [5, 5, None], "spent": 1.0, "over": ["1", "0", "soon"]})
    assert (
        refusal(table, section)
        == f"{must} 1 of 3 rows fails, in row 3 (found soon). {_meaning('soon')}, {DROP}"
    )
    open_ones = pd.DataFrame({"score": [5, 5], "spent": [None, 1.0], "over": [0, 1]})
    assert count(open_ones, section).cells["spend_n"].tolist() == [1]


def test_an_engines_table_names_the_id_or_the_value() -> None:
    table = ibis.memtable(stay([11, 5, 12], [3, 3, 3], [1, 0, 1], customer=["c", "b", "a"]))
    must = "table: score must be a whole number from 1 to 10. 2 of 3 rows fail"
    assert refusal(table) == f"{must}, one of them (found 11). {_coded('11')}, {DROP}"
    assert (
        refusal(table, cohort={"id": "customer"})
        == f"{must}, the first with customer a (found 12). {_coded('12')}, {DROP}"
    )


def test_too_many_values_for_a_stratum_or_a_cause() -> None:
    many = [f"v{i}" for i in range(51)]
    table = stay([5] * 51, [3] * 51, [1] * 51, city=many, why=many, n=list(range(51)))
    assert refusal(table, adjust={"columns": ["city"]}) == (
        "table: city has 51 values; a stratum may have 50. Cut it into bands ([adjust] bands = { city = [...] }, --band city=...), or leave it out."
    )
    assert count(table[:50], adjust={"columns": ["city"]}).profile.rows_used == 50
    assert "n has 51 values" in refusal(table, adjust={"columns": ["n"]})
    assert count(table, adjust={"columns": ["n"], "bands": {"n": [10]}}).profile.rows_used == 51
    assert (
        refusal(table, STAY, subscription={"cause": "why"})
        == "table: why has 51 values; there may be 50 causes. Group them."
    )


def test_too_many_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_CELLS", 60)
    table = stay(
        [5, 6] * 40, list(range(80)), [1] * 80, city=[f"v{i}" for i in range(80)], age=list(range(80))
    )
    assert refusal(table) == (
        "table: more than 60 cells. Adjust for fewer or coarser columns ([adjust] bands), or use a longer [subscription] unit."
    )
    assert "city has 61 values or more; a stratum may have 50." in refusal(
        table, adjust={"columns": ["city"]}
    )
    assert count(table[:60]).profile.rows_used == 60
    wrong = table.assign(months=table["months"] * 1000)
    assert refusal(wrong).startswith(f"table: months {PERIODS} 77 of 80 rows fail")
