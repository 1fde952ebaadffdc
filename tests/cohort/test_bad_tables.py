"""Every kind of bad table: one line that names the table, the rule, how many rows, where, what was found, and the cure."""

# ruff: noqa: E501 (messages are written out whole)

import gzip
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tabled import STAY, cells, count, spec, stay

from cxlink.cohort import grouping
from cxlink.cohort.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort

GOOD = b"score,months,lost\n5,3,1\n6,4,0\n"
DROP = "or drop them with --drop-invalid."
DATES = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
SPEND = {"spend": {"column": "spent", "complete": True}}
AMOUNT = "spent must be an amount of 0 or more, at most 1e+12, in every row with a score."
FILL = "Write 0 for no spend, set [spend] refunds = true if refunds are meant, " + DROP
PERIODS = "must be a number of months from 0 to 1,200 in every row with a score."
RECOUNT = "Set [subscription] unit or [table] decimal, correct it, " + DROP


SLOW = [HealthCheck.too_slow]  # a busy machine is no fault of the data


def refusal(table: Any, *sections: dict[str, Any], **more: Any) -> str:
    """What is said of a table that is refused, in one line."""
    with pytest.raises(InputError) as refused:
        count(table, *sections, **more)
    message = str(refused.value)
    assert message.isprintable()
    assert message.endswith((".", "?"))
    return message


def _dated(**columns: list[Any]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    whole = {"score": [5] * rows, "survey": ["2025-01-31"] * rows, "end": [None] * rows, **columns}
    return pd.DataFrame(whole)


FILES: dict[str, tuple[str, bytes, str]] = {
    "no bytes": ("t.csv", b"", "t.csv: the file is empty."),
    "blanks": ("t.csv", b"  \n\n", "t.csv: the first line is empty; it must name the columns."),
    "header only": ("t.csv", b"score,months,lost\n", "t.csv: no rows below the header."),
    "header without an end": ("t.csv", b"score,months,lost", "t.csv: no rows below the header."),
    "junk": ("t.csv", bytes(range(256)) * 9, "t.csv: not utf-8 text. Set [table] encoding, such as latin-1."),
    "latin-1": ("t.csv", GOOD + b"7,1,1\n" + "Zoë,1,1\n".encode("latin-1"), "t.csv: not utf-8 text. Set [table] encoding, such as latin-1."),
    "a row too long": ("t.csv", GOOD + b"6,4,0,9\n", "t.csv: row 3 has 4 values for 3 columns. Correct it, or set [table] delimiter."),
    "a row too short": ("t.csv", GOOD + b"6,4\n", "t.csv: row 3 has 2 values for 3 columns. Correct it, or set [table] delimiter."),
    "an open quote": ("t.csv", GOOD + b'6,"4,0\n', "t.csv: row 3 opens a quote that nothing closes. Correct it, or set [table] delimiter."),
    "line ends that differ": ("t.csv", GOOD + b"6,4,0\r\n", "t.csv: its lines end in different ways, or a quote is out of place. Save it as CSV again."),
    "one name twice": ("t.csv", b"score,months,score\n1,2,3\n", "t.csv: two columns are called 'score'. Rename one."),
    "one name in two ways": ("t.csv", b"score,months,Score\n1,2,3\n", "t.csv: two columns are called 'score' (and 'Score': capitals do not tell columns apart). Rename one."),
    "another column": ("t.csv", b"scores,months,lost\n5,3,1\n", "t.csv: no column 'score' (score). Did you mean 'scores'?"),
    "a column in capitals": ("t.csv", b"Score,months,lost\n5,3,1\n", "t.csv: no column 'score' (score). Did you mean 'Score'?"),
    "other columns": ("t.csv", b"a,b\n5,3\n", "t.csv: no column 'score' (score). It has: a, b."),
    "junk in a name": ("t.csv", b"a\x1b[31m,b\x07\n5,3\n", "t.csv: no column 'score' (score). It has: a [31m, b ."),
    "not Parquet": ("t.parquet", GOOD, "t.parquet: cannot be read (Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file)."),
    "not Arrow": ("t.arrow", b"junk" * 99, "t.arrow: cannot be read ("),
    "not packed": ("t.csv.gz", GOOD, "t.csv.gz: cannot be read (zlib inflate failed: incorrect header check)."),
    "packed and cut": ("t.csv.gz", gzip.compress(GOOD * 999)[:60], "t.csv.gz: cannot be read ("),
    "a workbook": ("t.xlsx", b"PK", "t.xlsx: not a table that can be read. Give Parquet, CSV or Arrow."),
    "no ending": ("table", GOOD, "table: not a table that can be read. Give Parquet, CSV or Arrow."),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
def test_files_that_cannot_be_read(kind: str, tmp_path: Path) -> None:
    name, content, message = FILES[kind]
    (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name).startswith(message)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("cut", [4, 60, 300, -20, -9, -1])
def test_a_parquet_file_cut_short(cut: int, tmp_path: Path) -> None:
    stay([5], [3], [1]).to_parquet(tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole[:cut])
    message = refusal(tmp_path / "t.parquet")
    assert message.startswith("t.parquet: cannot be read (")
    assert str(tmp_path) not in message


def test_a_parquet_file_with_a_broken_page(tmp_path: Path) -> None:
    table = pd.DataFrame({"score": np.tile([5, 6], 5000), "months": np.arange(10_000) % 30, "lost": 1})
    table.to_parquet(tmp_path / "t.parquet")
    whole = bytearray((tmp_path / "t.parquet").read_bytes())
    whole[40:400] = bytes(360)
    (tmp_path / "t.parquet").write_bytes(whole)
    message = refusal(tmp_path / "t.parquet")
    assert message.startswith("t.parquet: ")
    assert str(tmp_path) not in message


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "a.csv").write_bytes(GOOD)
    (tmp_path / "b.parquet").write_bytes(b"x")
    cases = {
        tmp_path / "absent.csv": "absent.csv: no such file.",
        tmp_path / "no*.csv": "no*.csv: no file matches.",
        tmp_path / "folder.csv": "folder.csv: no Parquet, CSV or Arrow file in this folder.",
        tmp_path / "[ab].*": "[ab].*: files of several kinds. Give one kind at a time, such as '*.parquet'.",
        tmp_path / f"{'x' * 300}.csv": f"{'x' * 100}: cannot be opened (File name too long).",
        "": "table: give a path, a pandas, polars or Arrow table, or an Ibis table.",
        "a\0b.csv": "a b.csv: no such file.",
    }
    for path, message in cases.items():
        assert refusal(path) == message


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    for name, content in (("t.csv", GOOD), ("t.parquet", b"x")):
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0)
        assert refusal(tmp_path / name).startswith(f"{name}: cannot be read (")


def test_files_of_a_folder_are_named(tmp_path: Path) -> None:
    for i in (1, 2, 3):
        (tmp_path / f"{i}.csv").write_bytes(GOOD)
    (tmp_path / "2.csv").write_bytes(GOOD + b"11,4,0\n12,4,0\n")
    (tmp_path / "3.csv").write_bytes(GOOD + b"13,4,0\n")
    assert refusal(tmp_path) == (
        f"{tmp_path.name}: score must be a whole number from 1 to 10. 3 of 9 rows fail, the first in row 3 of 2.csv (found 11). Set [score] scale, {DROP}"
    )
    (tmp_path / "2.csv").write_bytes(GOOD + b"1,2,3,4\n")
    assert refusal(tmp_path).startswith(f"{tmp_path.name}: row 3 of 2.csv has 4 values for 3 columns.")
    (tmp_path / "2.csv").write_bytes(b"score,months,gone\n1,2,3\n")
    assert refusal(tmp_path) == "2.csv: other columns than 1.csv ('gone' is in one only)."
    (tmp_path / "2.csv").write_bytes(b"")
    assert refusal(tmp_path) == "2.csv: the file is empty."
    for i in (1, 2, 3):
        (tmp_path / f"{i}.csv").unlink()
        stay([5, 11 if i == 3 else 5], [1, 2], [0, 1]).to_parquet(tmp_path / f"{i}.parquet")
    assert "1 of 6 rows fails, in row 2 of 3.parquet (found 11)." in refusal(str(tmp_path / "*.parquet"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "table: give a path, a pandas, polars or Arrow table, or an Ibis table."),
        ([5, 3, 1], "table: give a path, a pandas, polars or Arrow table, or an Ibis table."),
        ({"score": [5]}, "table: give a path, a pandas, polars or Arrow table, or an Ibis table."),
        (np.zeros((2, 3)), "table: give a path, a pandas, polars or Arrow table, or an Ibis table."),
        (pl.LazyFrame({"score": [5]}), "table: give a path, a pandas, polars or Arrow table, or an Ibis table."),
        (pd.DataFrame(), "table: it has no columns."),
        (pl.DataFrame(), "table: it has no columns."),
        (pa.table({}), "table: it has no columns."),
        (stay([], [], []), "table: no rows below the header."),
        (pl.DataFrame({"score": [], "months": [], "lost": []}), "table: no rows below the header."),
        (pd.DataFrame([[1, 2, 3]], columns=["score", "lost", "score"]), "table: two columns are called 'score'. Rename one."),
        (pa.table([[1], [2]], names=["lost", "Lost"]), "table: two columns are called 'lost' (and 'Lost': capitals do not tell columns apart). Rename one."),
        (pd.DataFrame([[5, 3, 1]]), "table: no column 'score' (score). It has: 0, 1, 2."),
        (ibis.table({"score": "int64"}), "table: cannot be read (Expression contains unbound tables and therefore cannot be executed."),
        ("nosuch://server/db::churn", "churn: cannot be opened at that address (Don't know how to connect to 'nosuch://server/db')."),
        ("duckdb://::churn", "churn: cannot be opened at that address (no such table)."),
        ("sqlite://::churn", "churn: cannot be opened at that address (no such table)."),
    ],
    ids=str,
)  # fmt: skip
def test_things_that_are_no_tables(given: Any, message: str) -> None:
    assert refusal(given).startswith(message)


def _score(found: str, n: int = 1, rows: int = 2, row: int = 1) -> str:
    fail = "row fails" if rows == 1 else "rows fails" if n == 1 else "rows fail"
    return f"table: score must be a whole number from 1 to 10. {n} of {rows} {fail}, {'the first ' if n > 1 else ''}in row {row} (found {found}). Set [score] scale, {DROP}"


SCORES: list[tuple[list[Any], str]] = [
    ([11, 5], _score("11")),
    ([0, 5], _score("0")),
    ([5, -1], _score("-1", row=2)),
    ([5.5, 5], _score("5.5")),
    ([float("inf"), 5], _score("inf")),
    ([-0.0, 5.0], _score("-0.0")),
    ([1e300, 5], _score("1e+300")),
    ([10**18, 5], _score(str(10**18))),
    ([10**30, 5], _score(str(10**30))),
    (["good", "bad"], _score("good", n=2)),
    (["5", "5,5"], _score("5,5", row=2)),
    ([5, "x"], _score("x", row=2)),
    ([[5], [6]], _score("[5]", n=2)),
    ([5j, 6j], _score("5j", n=2)),
    (list(pd.to_datetime(["2024-01-31", "2024-01-31"])), _score("'2024-01-31 00:00:00'", n=2)),
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


EVENT = "table: lost must be 0 or 1, or true or false."
TABLES: dict[str, tuple[pd.DataFrame, dict[str, Any], str]] = {
    "an event of two": (stay([5, 5], [3, 3], [0, 2]), {}, f"{EVENT} 1 of 2 rows fails, in row 2 (found 2). Recode it, {DROP}"),
    "an event in words": (stay([5, 5], [3, 3], ["yes", "no"]), {}, f"{EVENT} 2 of 2 rows fail, the first in row 1 (found yes). Recode it, {DROP}"),
    "an event of a half": (stay([5, 5], [3, 3], [0, 0.5]), {}, f"{EVENT} 1 of 2 rows fails, in row 2 (found 0.5). Recode it, {DROP}"),
    "no event": (stay([5, 5], [3, 3], [0, None]), {}, f"{EVENT} 1 of 2 rows fails, in row 2 (found nothing). Recode it, {DROP}"),
    "no event of somebody without a score": (stay([None, 5], [3, 3], [None, 1]), {}, f"{EVENT} 1 of 2 rows fails, in row 1 (found nothing). Recode it, {DROP}"),
    "a duration below nought": (stay([5, 5], [-1, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found -1). {RECOUNT}"),
    "a duration just below nought": (stay([5, 5], [-0.5, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found -0.5). {RECOUNT}"),
    "no duration": (stay([5, 5], [None, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found nothing). {RECOUNT}"),
    "an infinite duration": (stay([5, 5], [float("inf"), 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found inf). {RECOUNT}"),
    "a duration in words": (stay([5, 5], ["3", "three months"], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 2 (found 'three months'). {RECOUNT}"),
    "a code for a missing duration": (stay([5, 5], [9999, 3], [0, 1]), {}, f"table: months {PERIODS} 1 of 2 rows fails, in row 1 (found 9999). {RECOUNT}"),
    "an entry beyond the duration": (stay([5, 5], [3, 3], [0, 1], before=[3, 4]), {"subscription": {"entry": "before"}}, f"table: before must not be beyond months. 1 of 2 rows fails, in row 2 (found 4 and 3). Both count months since signup. Correct it, {DROP}"),
    "an entry just beyond the duration": (stay([5, 5], [3, 2.5], [0, 1], before=[3, 2.8]), {"subscription": {"entry": "before"}}, f"table: before must not be beyond months. 1 of 2 rows fails, in row 2 (found 2.8 and 2.5). Both count months since signup. Correct it, {DROP}"),
    "no entry": (stay([5, 5], [3, 2], [0, 1], before=[3, None]), {"subscription": {"entry": "before"}}, f"table: before {PERIODS} 1 of 2 rows fails, in row 2 (found nothing). {RECOUNT}"),
    "no follow-up": (stay([5, 5], [3, 2], [0, 1], seen=[3, -1]), {"subscription": {"follow_up": "seen"}}, f"table: seen {PERIODS} 1 of 2 rows fails, in row 2 (found -1). {RECOUNT}"),
    "a number to cut that is none": (stay([5, 5], [3, 2], [0, 1], age=["30", "old"]), {"adjust": {"bands": {"age": [40]}}}, f"table: age must be a number, since it is cut into bands. 1 of 2 rows fails, in row 2 (found old). Take it out of [adjust] bands, {DROP}"),
    "a survey that is no date": (stay([5], [3], [1], asked=["2024-13-01"]), {"subscription": {"survey": "asked"}}, f"table: asked must be a date, YYYY-MM-DD. 1 of 1 row fails, in row 1 (found 2024-13-01). Rewrite it, {DROP}"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TABLES)
def test_tables_of_durations(kind: str) -> None:
    table, sections, message = TABLES[kind]
    assert refusal(table, STAY, sections) == message


MISSING = f"Fill them in, {DROP}"
DATED: dict[str, tuple[pd.DataFrame, dict[str, Any], str]] = {
    "a survey that is no date": (_dated(survey=["2025-02-30", "2025-01-31"]), {}, f"survey must be a date, YYYY-MM-DD. 1 of 2 rows fails, in row 1 (found 2025-02-30). Rewrite it, {DROP}"),
    "another order": (_dated(survey=["31-01-2025", "2025/01/31"]), {}, f"survey must be a date, YYYY-MM-DD. 2 of 2 rows fail, the first in row 1 (found 31-01-2025). Rewrite it, {DROP}"),
    "a number": (_dated(end=[None, 20250601]), {}, f"end must be a date, YYYY-MM-DD. 1 of 2 rows fails, in row 2 (found 20250601.0). Rewrite it, {DROP}"),
    "the end of time": (_dated(end=["infinity"]), {}, f"end must be a date, YYYY-MM-DD. 1 of 1 row fails, in row 1 (found infinity). Rewrite it, {DROP}"),
    "a survey after the end": (_dated(end=["2025-01-30", None]), {}, f"survey must not be after end. 1 of 2 rows fails, in row 1 (found 2025-01-31 and 2025-01-30). Correct it, {DROP}"),
    "a survey after the cut-off": (_dated(survey=["2026-07-01"]), {}, f"survey must not be after 2026-06-30. 1 of 1 row fails, in row 1 (found 2026-07-01). Correct it, {DROP}"),
    "a signup after the survey": (_dated(joined=["2025-02-01", None]), {"signup": "joined"}, f"joined must not be after survey. 1 of 2 rows fails, in row 1 (found 2025-02-01 and 2025-01-31). Correct it, {DROP}"),
    "no survey": (_dated(survey=["2025-01-31", None]), {}, f"survey must be there in every row with a score. 1 of 2 rows fails, in row 2 (found nothing). {MISSING}"),
    "no cut-off": (_dated(until=["2026-01-31", None]), {"observed_until": "until"}, f"survey and until must be there in every row with a score. 1 of 2 rows fails, in row 2 (found 2025-01-31 and nothing). {MISSING}"),
    "no signup on its clock": (_dated(joined=["2025-01-31", None]), {"signup": "joined", "clock": "signup"}, f"joined and survey must be there in every row with a score. 1 of 2 rows fails, in row 2 (found nothing and 2025-01-31). {MISSING}"),
    "a code for a missing date": (_dated(survey=["0001-01-01", "2025-01-31"]), {}, f"survey must not be more than a hundred years before the end of observation. 1 of 2 rows fails, in row 1 (found 0001-01-01). Correct it, {DROP}"),
    "a cut-off far away": (_dated(until=["9999-12-31"]), {"observed_until": "until"}, f"survey must not be more than a hundred years before the end of observation. 1 of 1 row fails, in row 1 (found 2025-01-31 and 9999-12-31). Correct it, {DROP}"),
    "a cut-off that is no day": (_dated(survey=["2025-01-31"]), {"observed_until": "2026-06-31"}, "[subscription] observed_until: 2026-06-31 is not a day of the calendar."),
    "a cut-off that is no column": (_dated(survey=["2025-01-31"]), {"observed_until": "surveys"}, "no column 'surveys' (observed_until). Did you mean 'survey'?"),
}  # fmt: skip


@pytest.mark.parametrize("kind", DATED)
def test_tables_of_dates(kind: str) -> None:
    table, sub, message = DATED[kind]
    found = refusal(table, subscription={**DATES, **sub})
    assert found == (message if message.startswith("[") else f"table: {message}")


SPENT: list[tuple[list[Any], str]] = [
    ([-1, 5], "in row 1 (found -1)"),
    ([5, -0.01], "in row 2 (found -0.01)"),
    ([None, 5], "in row 1 (found nothing)"),
    ([float("inf"), 5], "in row 1 (found inf)"),
    ([2e12, 5], "in row 1 (found 2000000000000.0)"),
    (["12 EUR", "5"], "in row 1 (found '12 EUR')"),
    (["1e400", "5"], "in row 1 (found 1e400)"),
]


@pytest.mark.parametrize(("spent", "where"), SPENT)
def test_spend_that_is_no_amount(spent: list[Any], where: str) -> None:
    table = pd.DataFrame({"score": 5, "spent": spent})
    assert refusal(table, SPEND) == f"table: {AMOUNT} 1 of 2 rows fails, {where}. {FILL}"


def test_spend_with_refunds_must_still_be_finite() -> None:
    section = {"spend": {"column": "spent", "complete": True, "refunds": True}}
    assert count(pd.DataFrame({"score": 5, "spent": [-1.0, 5]}), section).cells["spend_sum"].tolist() == [4]
    message = refusal(pd.DataFrame({"score": 5, "spent": [-float("inf"), 5]}), section)
    assert (
        message
        == f"table: spent must be an amount, at most 1e+12, in every row with a score. 1 of 2 rows fails, in row 1 (found -inf). Write 0 for no spend, {DROP}"
    )


def test_a_window_that_says_neither() -> None:
    section = {"spend": {"column": "spent", "complete": "over"}}
    must = "table: over must be 0 or 1, or true or false, in every row with a score."
    table = pd.DataFrame({"score": [5, 5, None], "spent": 1.0, "over": [1, None, None]})
    assert refusal(table, section) == f"{must} 1 of 3 rows fails, in row 2 (found nothing). Recode it, {DROP}"
    table = pd.DataFrame({"score": [5, 5, None], "spent": 1.0, "over": ["1", "0", "soon"]})
    assert refusal(table, section) == f"{must} 1 of 3 rows fails, in row 3 (found soon). Recode it, {DROP}"
    open_ones = pd.DataFrame({"score": [5, 5], "spent": [None, 1.0], "over": [0, 1]})
    assert count(open_ones, section).cells["spend_n"].tolist() == [1]


def test_an_engines_table_names_the_id_or_the_value() -> None:
    table = ibis.memtable(stay([11, 5, 12], [3, 3, 3], [1, 0, 1], customer=["c", "b", "a"]))
    must = "table: score must be a whole number from 1 to 10. 2 of 3 rows fail"
    assert refusal(table) == f"{must}, one of them (found 11). Set [score] scale, {DROP}"
    assert (
        refusal(table, cohort={"id": "customer"})
        == f"{must}, the first with customer a (found 12). Set [score] scale, {DROP}"
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
    assert refusal(wrong).startswith(f"table: months {PERIODS} 78 of 80 rows fail")


def test_dropping_counts_rows_by_the_first_reason() -> None:
    table = stay([11, 11, 5, 5, 5, None], [3, -1, -1, 3, 3, 2], [1, 7, 1, 7, 1, 0])
    cohort = read_cohort(table, spec(STAY), drop_invalid=True)
    assert cohort.dropped == {
        "score must be a whole number from 1 to 10": 2,
        "lost must be 0 or 1, or true or false": 1,
        f"months {PERIODS[:-1]}": 1,
    }
    assert (cohort.rows_read, cohort.count().profile.rows_used) == (6, 2)
    assert cells(cohort.count()) == {(5, 0, 3, "lost"): 1, (None, 0, 2, ""): 1}


def test_dropping_does_for_every_source(tmp_path: Path) -> None:
    table = stay([5, 11, 6], [3, 3, 2], [1, 0, 0], spent=[1.0, 2, 3])
    makers: list[Callable[[], Any]] = [
        lambda: table,
        lambda: ibis.memtable(table),
        lambda: (table.to_csv(tmp_path / "t.csv", index=False), tmp_path / "t.csv")[1],
        lambda: (table.to_parquet(tmp_path / "t.parquet"), tmp_path / "t.parquet")[1],
        lambda: (feather.write_feather(table, str(tmp_path / "t.arrow")), tmp_path / "t.arrow")[1],
    ]
    for make in makers:
        cohort = read_cohort(make(), spec(STAY, SPEND), drop_invalid=True)
        assert (cohort.rows_read, sum(cohort.dropped.values())) == (3, 1)
        assert cells(cohort.count()) == {(5, 0, 3, "lost"): 1, (6, 0, 2, ""): 1}
        assert cohort.count().cells["spend_sum"].tolist() == [1, 3]


def test_dropping_everything_is_refused() -> None:
    with pytest.raises(InputError, match=r"^table: no valid row is left\.$"):
        read_cohort(stay([11, 12], [3, 3], [1, 0]), spec(STAY), drop_invalid=True)


def test_dropping_is_not_for_tables_that_need_none() -> None:
    cohort = read_cohort(stay([5], [3], [1]), spec(STAY), drop_invalid=True)
    assert cohort.dropped == {}


def counted_or_refused(count_it: Callable[[], Counts]) -> tuple[Counts | None, str]:
    """Counts, or the message of the one error that there may be."""
    try:
        return count_it(), ""
    except InputError as refused:
        return None, str(refused)


ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.dates(), st.binary(max_size=4),
    st.decimals(allow_nan=False), st.lists(st.integers(), max_size=2),
)  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_whatever_is_in_a_frame_is_counted_or_refused(data: st.DataObject) -> None:
    """Never another error, and never more customers than rows."""
    n = data.draw(st.integers(1, 4))
    columns = {
        name: data.draw(st.lists(ANY, min_size=n, max_size=n))
        for name in ("score", "months", "lost", "plan", "spent")
    }
    table = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    made = spec(STAY, SPEND, adjust={"columns": ["plan"]})
    for drop_invalid in (False, True):
        counts, message = counted_or_refused(lambda drop=drop_invalid: read_cohort(table, made, drop).count())
        assert message.isprintable()
        if counts is not None:
            assert counts.profile.rows_read == n
            assert counts.profile.rows_used + sum(counts.profile.dropped.values()) == n


@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "parquet", "arrow", "csv.gz"]))
def test_whatever_is_in_a_file_is_refused(content: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{ending}"
        path.write_bytes(content)
        with pytest.raises(InputError):
            count(path)


@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(0, 30))
def test_text_with_something_put_in_is_counted_or_refused(noise: str, at: int) -> None:
    text = GOOD.decode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes((text[:at] + noise + text[at:]).encode())
        counts, message = counted_or_refused(lambda: count(path))
        assert message.isprintable()
        assert counts is None or counts.profile.rows_used <= 2 + noise.count("\n") + noise.count("\r")
