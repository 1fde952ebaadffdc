"""What is of Spark alone: its sessions, its tables and files, how it reads text, and what it is silent of."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crm import crm_spec, same
from tabled import STAY, cells, count, refusal

from cxlink.cli.commands import run
from cxlink.cohort.read.spark_sessions import opened
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort

SCALE = {"scale": "0-10"}
DATES = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2023-02-28"}}


def _written(rows: pa.Table, path: Path) -> Path:
    pq.write_table(rows, path)
    return path


@pytest.fixture
def engine(spark: str) -> Iterator[Any]:
    """Ibis on a session of the user's own."""
    session, ours = opened(spark, "own")
    yield ibis.pyspark.connect(session)
    if ours:
        session.stop()


@pytest.mark.parametrize("customers", ["spark"], indirect=True)
def test_an_ibis_table_and_a_table_of_the_catalogue(
    customers: Sequence[Any], engine: Any, spark: str
) -> None:
    frame = engine._session.read.parquet(customers[1].rpartition("::")[2])
    frame.createOrReplaceTempView("customers")
    spec = make_spec(crm_spec("dates and an id"))
    assert all(same(read_cohort(customers[0], spec), read_cohort(engine.table("customers"), spec)).values())
    engine.raw_sql("create database if not exists sales")
    engine.raw_sql("drop table if exists sales.customers")
    frame.write.saveAsTable("sales.customers")
    try:
        found = read_cohort(f"{spark}::sales.customers", spec)
        assert all(same(read_cohort(customers[0], spec), found).values())
        assert found.name == "sales.customers"
    finally:
        engine.raw_sql("drop database sales cascade")


TEXTS = {
    "score": ["7 - good", "9/10", "\t3 \n", "10: best", "8.0", None],
    "months": ["1e1", " 12 ", "+7", "3.", "2", "1"],
    "lost": ["1 = yes", "No", "\tja\n", "0.00", "f", "0 = no"],
    "survey": ["2020-01-31", "2020-2-3", "2020-02-01T23:30:00-05", "2020-02-01 23:30", "2020-03-01", None],
    "end": ["2020-05-31", None, "", "2021-01-01 00:00:00+02:00", None, None],
}


def test_text_is_read_as_that_of_a_file(spark: str, tmp_path: Path) -> None:
    path = _written(pa.table(TEXTS), tmp_path / "texts.parquet")
    for spec in (STAY, DATES):
        expected, found = (count(table, spec, score=SCALE) for table in (path, f"{spark}::{path}"))
        assert found.cells.equals(expected.cells)
        assert found.profile.fingerprint == expected.profile.fingerprint


@pytest.mark.parametrize(
    ("column", "text"),
    [("months", "7d"), ("months", "0x7p0"), ("score", "7f"), ("survey", "2020-02"), ("survey", "2020")],
)
def test_text_that_only_java_would_read_is_refused(
    column: str, text: str, spark: str, tmp_path: Path
) -> None:
    path = _written(pa.table({**TEXTS, column: [text, *TEXTS[column][1:]]}), tmp_path / "texts.parquet")
    expected, found = (
        refusal(table, DATES if column == "survey" else STAY, score=SCALE)
        for table in (path, f"{spark}::{path}")
    )
    assert f"(found {text})" in found
    assert found.partition(" rows fail")[0] == expected.partition(" rows fail")[0]


def test_dates_of_a_format_are_refused_in_one_line(spark: str, tmp_path: Path) -> None:
    path = _written(
        pa.table({"score": [7], "survey": ["31/01/2020"], "end": ["29/02/2020"]}), tmp_path / "t.parquet"
    )
    said = refusal(f"{spark}::{path}", DATES, {"table": {"date_format": "%d/%m/%Y"}}, score=SCALE)
    assert said == (
        "t.parquet: this engine cannot do what reading text needs. Give numbers and dates in types of their own, or a "
        "Parquet file of the table."
    )


def test_types_that_others_lack(spark: str, tmp_path: Path) -> None:
    n = 330
    i = np.arange(n)
    rows = pa.table({
        "score": pa.array(i % 11, pa.uint8()), "months": pa.array(i % 7 + 1, pa.uint32()), "lost": i % 2 == 0,
        "id": pa.array(i + 2**62, pa.int64()), "plan": pa.array([{"a": int(k % 3)} for k in i]),
        "tags": pa.array([[int(k)] for k in i]), "share": pa.array(i % 5).cast(pa.decimal128(28, 4)),
    })  # fmt: skip
    path = _written(rows, tmp_path / "odd.parquet")
    spec = {"cohort": {"id": "id"}, "spend": {"column": "share", "complete": True}}
    expected, found = (count(table, STAY, spec, score=SCALE) for table in (path, f"{spark}::{path}"))
    assert found.cells.equals(expected.cells)
    assert len(count(f"{spark}::{path}", STAY, score=SCALE, adjust={"columns": ["plan"]}).cells) > len(
        found.cells
    )


def test_a_time_of_day_counts_as_its_day(spark: str, tmp_path: Path) -> None:
    late = pa.array([datetime(2020, 1, 31, 23, 30)], pa.timestamp("us", tz="UTC"))
    early = pa.array([datetime(2020, 2, 29, 0, 0, 1)], pa.timestamp("us"))
    path = _written(pa.table({"score": [5], "survey": late, "end": early}), tmp_path / "moments.parquet")
    days = pa.table({"score": [5], "survey": [date(2020, 1, 31)], "end": [date(2020, 2, 29)]})
    assert count(f"{spark}::{path}", DATES).cells.equals(count(days, DATES).cells)


def test_times_to_the_nanosecond_are_refused_in_one_line(spark: str, tmp_path: Path) -> None:
    moment = pa.array([10**18], pa.timestamp("ns"))
    path = _written(pa.table({"score": [5], "survey": moment, "end": moment}), tmp_path / "nano.parquet")
    said = refusal(f"{spark}::{path}", DATES)
    assert said.startswith("nano.parquet: cannot be opened at that address (")
    assert str(tmp_path) not in said


def test_columns_that_differ_in_capitals_alone_are_refused_in_one_line(spark: str, tmp_path: Path) -> None:
    rows = pa.table({"score": [5], "months": [1], "lost": [1], "Score": [6]})
    said = refusal(f"{spark}::{_written(rows, tmp_path / 'twins.parquet')}", STAY)
    assert said.startswith("twins.parquet: cannot be opened at that address (")
    assert str(tmp_path) not in said


def test_grouped_rows_and_surveys_of_their_own(spark: str, tmp_path: Path) -> None:
    i = np.arange(500)
    rows = pa.table({"score": i % 11, "months": i % 7 + 1, "lost": i % 2, "n": i % 5})
    path = _written(rows, tmp_path / "grouped.parquet")
    found, expected = (
        count(table, {"cohort": {"count": "n"}}, score=SCALE) for table in (f"{spark}::{path}", rows)
    )
    assert found.cells.equals(expected.cells)
    surveys = _written(pa.table({"id": i[:400], "score": i[:400] % 11}), tmp_path / "surveys.parquet")
    people = _written(
        rows.drop_columns("score").append_column("id", pa.array(i)), tmp_path / "people.parquet"
    )
    found, expected = (
        count(
            table, {"cohort": {"id": "id"}, "table": {"surveys": asked, "on": "id"}}, score=SCALE
        )
        for table, asked in ((f"{spark}::{people}", f"{spark}::{surveys}"), (people, str(surveys)))
    )  # fmt: skip
    assert found.cells.equals(expected.cells)


def test_a_bad_row_is_named_by_its_id(spark: str, tmp_path: Path) -> None:
    rows = pa.table({"id": ["b", "a", "B"], "score": [3, 99, 98], "months": [1, 2, 3], "lost": [0, 1, 0]})
    path = _written(rows, tmp_path / "bad.parquet")
    said = refusal(f"{spark}::{path}", cohort={"id": "id"}, score=SCALE)
    assert said == (
        "bad.parquet: score must be a whole number from 0 to 10. 2 of 3 rows fail, the first with id B (found 98). Set "
        '[score] scale, set [table] missing = { score = ["98"] } if it means no answer, or drop them with '
        "--drop-invalid."
    )
    spec = make_spec({"score": {"column": "score", **SCALE}, **STAY})
    kept = read_cohort(f"{spark}::{path}", spec, drop_invalid=True)
    assert [one.n for one in kept.dropped] == [2]
    assert cells(kept.count()) == {(3, 0, 1, ""): 1}


@pytest.mark.parametrize("command", ["fit", "check", "init"])
def test_a_file_that_is_not_there_tells_nothing_of_the_address(
    command: str,
    spark: str,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["--score", "score", "--scale", "0-10", "--duration", "months", "--event", "lost"]
    for table in ("/SECRET/crm/nosuch.parquet", "SECRET.nosuch"):
        assert run([command, f"{spark}::{table}", *(asked if command != "init" else [])]) == 2
        said = capfd.readouterr()
        name = "nosuch.parquet" if "/" in table else table
        assert said.err == f"cxlink: {name}: cannot be opened at that address (no such table).\n"
        assert said.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("customers", ["spark"], indirect=True)
def test_from_the_shell_a_session_of_its_own_is_started_and_stopped_without_a_word(
    customers: Sequence[Any], tmp_path: Path
) -> None:
    asked = [
        "--score",
        "score",
        "--scale",
        "0-10",
        "--duration",
        "months",
        "--event",
        "lost",
        "--spend",
        "large",
    ]
    quick = ["--complete", "true", "--quick", "--draws", "100", "--formats", "html", "--out", "run"]
    for table, folder in zip(customers, ("file", "engine"), strict=True):
        (tmp_path / folder).mkdir()
        command = [
            sys.executable,
            "-c",
            "import cxlink.cli; cxlink.cli.main()",
            "fit",
            str(table),
            *asked,
            *quick,
        ]
        done = subprocess.run(
            [*command, "--quiet"],
            cwd=tmp_path / folder,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    one, other = (tmp_path / folder / "run" / "estimates.csv" for folder in ("file", "engine"))
    assert one.read_bytes() == other.read_bytes()
    assert [path.name for path in (tmp_path / "engine").iterdir()] == ["run"]


@pytest.fixture
def without_workers(spark: str, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address of a cluster that has no cores to give, and the file that its master writes what happens to."""
    if not spark.startswith("spark://127"):
        pytest.skip("not a cluster")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    program = Path(os.environ["SPARK_HOME"]) / "bin" / "spark-class"
    log = tmp_path / "master.log"
    place = ["--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    with log.open("w") as stream:
        master = subprocess.Popen(
            [program, "org.apache.spark.deploy.master.Master", *place], stdout=stream, stderr=stream
        )
        yield f"spark://127.0.0.1:{port}", log
        master.terminate()
        master.wait()


def _said(log: Path, text: str) -> None:
    """Wait until a file holds a text: a minute at most."""
    for _ in range(240):
        if text in log.read_text():
            return
        time.sleep(0.25)
    pytest.fail(f"never said: {text}")


@pytest.mark.parametrize("customers", ["spark"], indirect=True)
def test_a_signal_to_end_ends_a_wait_for_cores(
    customers: Sequence[Any], without_workers: tuple[str, Path], tmp_path: Path
) -> None:
    address, log = without_workers
    _said(log, "New state: ALIVE")
    asked = ["--score", "score", "--scale", "0-10", "--duration", "months", "--event", "lost", "--out", "run"]
    call = ["fit", f"{address}::{customers[0]}", *asked, "--quiet"]
    program = [sys.executable, "-c", "import cxlink.cli; cxlink.cli.main()"]
    with subprocess.Popen(
        [*program, *call], cwd=tmp_path, env=os.environ, stderr=subprocess.PIPE, text=True
    ) as started:
        _said(log, "Registered app")
        time.sleep(15)  # the first job is sent, which asks for cores
        started.terminate()
        _, said = started.communicate(timeout=60)
    assert (started.returncode, said) == (143, "cxlink: ended by a signal.\n")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("customers", ["spark"], indirect=True)
def test_init_looks_at_a_table_of_spark(customers: Sequence[Any], capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["init", customers[1]]) == 0
    said = capfd.readouterr()
    assert 'id = "customer"' in said.out
    assert said.err == ""
