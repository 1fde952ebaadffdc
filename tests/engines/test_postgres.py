"""Postgres counts its own table, to the last digit as DuckDB counts a file of the same rows."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crm import crm, crm_spec, same
from tabled import STAY, cells, count, refusal

from cxlink.cli.commands import run
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort

SCALE = {"scale": "0-10"}


@pytest.mark.parametrize("customers", ["postgres"], indirect=True)
def test_an_ibis_table_of_postgres_is_counted_there(customers: Sequence[Any], postgres: str) -> None:
    engine = ibis.connect(postgres)
    table = engine.table("customers")
    spec = make_spec(crm_spec("dates and an id"))
    assert all(same(read_cohort(customers[0], spec), read_cohort(table, spec)).values())
    some = table.filter(table.vip)
    assert int(read_cohort(some, spec).count().cells["n"].sum()) == sum(crm()["vip"].to_pylist())
    engine.disconnect()


def test_types_that_files_lack(connection: Any, postgres: str) -> None:
    connection.execute(
        "drop table if exists odd; drop type if exists mood; create type mood as enum ('calm', 'cross')"
    )
    connection.execute(
        "create table odd as select (i % 11)::smallint as score, (i % 7 + 1)::numeric(6, 2) as months, "
        "case when i % 2 = 0 then 'yes' else 'No' end as lost, (case i % 3 when 0 then 'calm' else 'cross' end)::mood "
        "as mood, (i % 3)::text::char(4) as code, (i / 3.0)::numeric as spent, '{\"a\": 1}'::json as document, "
        "point(1, 2) as place, array[1, 2] as list, gen_random_uuid() as key, '1.2.3.4'::inet as host "
        "from generate_series(1, 330) i"
    )
    spec = {"cohort": {"id": "key"}, "adjust": {"columns": ["mood", "code"]},
            "spend": {"column": "spent", "complete": True}}  # fmt: skip
    found = count(f"{postgres}::public.odd", STAY, spec, score=SCALE)
    i = np.arange(1, 331)
    rows = pa.table({
        "score": i % 11, "months": i % 7 + 1, "lost": np.where(i % 2, "No", "yes"),
        "mood": np.where(i % 3, "cross", "calm"), "code": (i % 3).astype(str), "spent": i / 3.0,
    })  # fmt: skip
    expected = count(rows, STAY, {k: v for k, v in spec.items() if k != "cohort"}, score=SCALE)
    assert found.profile.fingerprint == expected.profile.fingerprint


def test_a_time_of_day_counts_as_its_day(connection: Any, postgres: str, tmp_path: Path) -> None:
    connection.execute(
        "drop table if exists moments; create table moments as select 5 as score, "
        "timestamptz '2020-01-31 23:30:00+00' as survey, timestamp '2020-02-29 00:00:01' as \"end\""
    )
    when = pa.table({"score": [5], "survey": [date(2020, 1, 31)], "end": [date(2020, 2, 29)]})
    pq.write_table(when, tmp_path / "days.parquet")
    dates = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2023-02-28"}}
    found, expected = (count(table, dates) for table in (f"{postgres}::moments", tmp_path / "days.parquet"))
    assert found.cells.equals(expected.cells)


def test_a_grouped_table_and_surveys_of_their_own(sent: Any, postgres: str, tmp_path: Path) -> None:
    i = np.arange(500)
    rows = pa.table({"score": i % 11, "months": i % 7 + 1, "lost": i % 2, "n": i % 5})
    sent("grouped", rows)
    grouped = {"cohort": {"count": "n"}}
    found, expected = (count(table, grouped, score=SCALE) for table in (f"{postgres}::grouped", rows))
    assert found.cells.equals(expected.cells)
    pq.write_table(pa.table({"id": i[:400], "score": i[:400] % 11}), tmp_path / "surveys.parquet")
    people = rows.drop_columns("score").append_column("id", pa.array(i))
    sent("people", people)
    joined = {"cohort": {"id": "id"}, "table": {"surveys": str(tmp_path / "surveys.parquet"), "on": "id"}}
    found, expected = (count(table, joined, score=SCALE) for table in (f"{postgres}::people", people))
    assert found.cells.equals(expected.cells)


def test_a_bad_row_is_named_by_its_id(sent: Any, postgres: str) -> None:
    sent(
        "bad", pa.table({"id": ["b", "a", "B"], "score": [3, 99, 98], "months": [1, 2, 3], "lost": [0, 1, 0]})
    )
    said = refusal(f"{postgres}::bad", cohort={"id": "id"}, score=SCALE)
    assert said == (
        "bad: score must be a whole number from 0 to 10. 2 of 3 rows fail, the first with id B (found 98). Set [score] "
        'scale, set [table] missing = { score = ["98"] } if it means no answer, or drop them with --drop-invalid.'
    )
    spec = make_spec({"score": {"column": "score", **SCALE}, **STAY})
    kept = read_cohort(f"{postgres}::bad", spec, drop_invalid=True)
    assert [one.n for one in kept.dropped] == [2]
    sent(
        "twice", pa.table({"id": ["b", "a", "b"], "score": [3, 9, 8], "months": [1, 2, 3], "lost": [0, 1, 0]})
    )
    said = refusal(f"{postgres}::twice", cohort={"id": "id"}, score=SCALE)
    assert said.startswith("twice: id must not repeat. One occurs more than once: b (2 rows).")


@pytest.mark.parametrize(("score", "format_"), [("7 - good", None), ("7", "%d/%m/%Y")])
def test_what_postgres_cannot_read_of_text_is_refused_in_one_line(
    score: str, format_: str | None, sent: Any, postgres: str
) -> None:
    sent("texts", pa.table({"score": [score], "survey": ["31/01/2020"], "end": ["29/02/2020"]}))
    table = {"table": {"date_format": format_}} if format_ else {}
    dates = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2023-02-28"}}
    said = refusal(f"{postgres}::texts", dates, table, score=SCALE)
    assert said == (
        "texts: this engine cannot do what reading text needs. Give numbers and dates in types of their own, or a "
        "Parquet file of the table."
    )


def test_a_loss_at_infinity_is_none_by_month_and_refused_by_day(connection: Any, postgres: str) -> None:
    connection.execute(
        "drop table if exists endless; create table endless as select 5 as score, date '2020-01-31' as survey, "
        "date 'infinity' as \"end\""
    )
    dates = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2023-02-28"}}
    assert cells(count(f"{postgres}::endless", dates)) == {(5, 0, 37, ""): 1}
    said = refusal(f"{postgres}::endless", dates, subscription={"unit": "day"})
    assert said == "endless: cannot be read (cannot subtract infinite timestamps)."


UNOPENED = {
    "password": ("{user}:SECRETword@{host}/{database}", "customers", "the user or the password is refused"),
    "user": ("SECRETuser:SECRETword@{host}/{database}", "customers", "the user or the password is refused"),
    "host": ("{user}:{password}@SECRET.invalid:5432/{database}", "customers", "no server answers there"),
    "port": ("{user}:{password}@127.0.0.1:1/{database}", "customers", "no server answers there"),
    "database": ("{user}:{password}@{host}/SECRETbase", "customers", "no such database"),
    "schema": ("{user}:{password}@{host}/{database}/SECRETschema", "customers", "no such table"),
    "table": ("{user}:{password}@{host}/{database}", "nosuch", "no such table"),
}


@pytest.mark.parametrize("command", ["fit", "check", "init"])
@pytest.mark.parametrize("wrong", UNOPENED)
def test_what_cannot_be_opened_tells_nothing_of_the_address(
    command: str, wrong: str, postgres: str, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    login, _, place = postgres.partition("://")[2].partition("@")
    (user, _, password), (host, _, database) = login.partition(":"), place.partition("/")
    template, table, why = UNOPENED[wrong]
    address = template.format(user=user, password=password, host=host, database=database)
    asked = ["--score", "score", "--scale", "0-10", "--duration", "months", "--event", "lost"]
    assert run([command, f"postgres://{address}::{table}", *(asked if command != "init" else [])]) == 2
    said = capsys.readouterr()
    assert said.err == f"cxlink: {table}: cannot be opened at that address ({why}).\n"
    assert said.out == ""
    assert list(tmp_path.iterdir()) == []
