"""The calendar day of a timestamp is that of its column's own zone, whatever it is read from."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from tabled import cells, count, refusal

from cxlink.cohort.count.counts import Counts
from cxlink.report.profile_words import profile_notes

UNTIL = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-12-31"}}


def _table(zone: str) -> pa.Table:
    """Midnight of 1 January in a zone: eleven whole months until 31 December, twelve from the day before."""
    midnight = pd.Series(pd.to_datetime(["2025-01-01", "2025-01-01"])).dt.tz_localize(zone)
    left = pd.Series(pd.to_datetime([None, "2025-03-01"])).dt.tz_localize(zone)
    columns = {"survey": pa.array(midnight, from_pandas=True), "end": pa.array(left, from_pandas=True)}
    return pa.table({"score": [5, 6], **columns})


def _text(table: pa.Table, path: Path) -> Path:
    frame = table.to_pandas()
    for name in ("survey", "end"):
        frame[name] = [None if pd.isna(at) else at.isoformat() for at in frame[name]]
    frame.to_csv(path, index=False)
    return path


READERS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "CSV with offsets": lambda t, folder: _text(t, folder / "t.csv"),
    "Parquet": lambda t, folder: (pq.write_table(t, folder / "t.parquet"), folder / "t.parquet")[1],
    "Feather": lambda t, folder: (feather.write_feather(t, str(folder / "t.feather")), folder / "t.feather")[1],
    "Arrow": lambda t, _: t,
    "pandas": lambda t, _: t.to_pandas(),
    "pandas on Arrow": lambda t, _: t.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas of objects": lambda t, _: t.to_pandas().astype(object),
    "polars": lambda t, _: pl.from_arrow(t),
    "an Ibis table": lambda t, _: ibis.memtable(t),
}  # fmt: skip


@pytest.mark.parametrize("zone", ["Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "UTC"])
@pytest.mark.parametrize("reader", READERS)
def test_the_day_is_that_of_the_column(reader: str, zone: str, tmp_path: Path) -> None:
    found = count(READERS[reader](_table(zone), tmp_path), UNTIL)
    assert cells(found) == {(5, 0, 11, ""): 1, (6, 0, 2, "lost"): 1}
    assert set(found.cells["wave"]) == {"2025Q1"}


@pytest.mark.parametrize("hours", [-9.5, 1, 5.5])
@pytest.mark.parametrize("reader", ["CSV with offsets", "Parquet", "pandas", "pandas of objects", "Arrow"])
def test_a_fixed_offset_is_a_zone(reader: str, hours: float, tmp_path: Path) -> None:
    zone = datetime.timezone(datetime.timedelta(hours=hours))
    found = count(READERS[reader](_table(zone), tmp_path), UNTIL)
    assert cells(found) == {(5, 0, 11, ""): 1, (6, 0, 2, "lost"): 1}


def test_each_object_has_a_zone_of_its_own() -> None:
    zones = [datetime.timezone(datetime.timedelta(hours=h)) for h in (0, 11)]
    days = pd.Series([datetime.datetime(2025, 1, 1, tzinfo=zone) for zone in zones], dtype=object)
    found = count(pd.DataFrame({"score": [5, 6], "survey": days, "end": [None, None]}), UNTIL)
    assert cells(found) == {(5, 0, 11, ""): 1, (6, 0, 11, ""): 1}


def test_a_date_format_is_of_text_and_not_of_objects_that_are_dates() -> None:
    of_text = {**UNTIL, "table": {"date_format": "%d-%m-%Y"}}
    found = count(_table("Europe/Amsterdam").to_pandas().astype(object), of_text)
    assert cells(found) == {(5, 0, 11, ""): 1, (6, 0, 2, "lost"): 1}


def test_files_of_two_zones_are_refused(tmp_path: Path) -> None:
    for name, zone in (("1", "Europe/Amsterdam"), ("2", "Asia/Kolkata")):
        pq.write_table(_table(zone), tmp_path / f"{name}.parquet")
    said = refusal(tmp_path, UNTIL)
    assert (
        "2.parquet: end has time zone Asia/Kolkata, in 1.parquet Europe/Amsterdam. Save both in one zone."
        in said
    )


def test_the_day_that_the_case_shows() -> None:
    case = Path(__file__).parents[3].parent / "shared" / "cases"
    if not case.exists():
        pytest.skip("../shared/cases is not there")
    spec = {"score": {"column": "score", "scale": "1-5"}, **UNTIL}
    text, typed = (_exits(count(case / f"tz_day_shift.{kind}", spec)) for kind in ("csv", "parquet"))
    assert text == typed
    assert max(text) == 11


def _exits(counts: Counts) -> set[int]:
    return set(counts.cells["exit"])


def test_points_in_time_of_an_engine_are_said_to_count_as_days_in_utc(tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "z.duckdb") as engine:
        engine.execute("SET TimeZone = 'Europe/Amsterdam'")
        for name, kind in (("zoned", "TIMESTAMPTZ"), ("plain", "TIMESTAMP"), ("days", "DATE")):
            days = f"'2025-01-01 00:30'::{kind} AS survey, NULL::{kind} AS \"end\""
            engine.execute(f"CREATE TABLE {name} AS SELECT 5 AS score, {days}")
    path = tmp_path / "z.duckdb"
    found = count(f"duckdb://{path}::zoned", UNTIL)
    assert (
        "Times with a time zone count as their day in UTC: end and survey. If the days of another zone are meant, cast "
        "them to a date in that zone, in a view of the database."
    ) in profile_notes(found)
    for name in ("plain", "days"):
        notes = count(f"duckdb://{path}::{name}", UNTIL).profile.notes
        assert "zoned_times" not in [note.code for note in notes]
    for zone in ("Europe/Amsterdam", "UTC"):  # of a file the zone is its column's own
        own = count(READERS["Parquet"](_table(zone), tmp_path), UNTIL)
        assert "zoned_times" not in [note.code for note in own.profile.notes]
