"""Of an address only the table's name is printed or kept; what stands in a table is shown, and never obeyed."""

import ast
import csv
import io
import json
import os
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from cxlink import notebook
from cxlink.cli import commands
from cxlink.cli.commands import file_name, run
from cxlink.cli.terminal import command_line
from cxlink.cohort.addresses import addresses_in, hidden, parted, shown, tells
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.safe_engines import embedded
from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.table import Cohort
from cxlink.cohort.visible_text import visible
from cxlink.estimands.csv_tables import as_written, csv_text, neutral, read_csv

SPENT = ["--score", "score", "--scale", "1-10", "--spend", "spend", "--complete", "true", "--draws", "100"]
HOSTILE = "red\x1b[31m\x07\u202egnp.exe"
UNREACHED = (
    "mysql://reader:SECRET@SECRET.example.com:3306/SECRET::t",
    "snowflake://SECRET@account/db?warehouse=SECRET&password=SECRET::t",
    "postgres://SECRET%40x:SE%2FCRET@127.0.0.1:1/SECRET::t",
    "duckdb:///nowhere/SECRET.duckdb?custom_user_agent=SECRET::t",
    "sqlite:///nowhere/SECRET.sqlite::t",
    "spark://SECRET.example.com:7077::t",
    "sc://SECRET.example.com:15002/;token=SECRET;user_id=SECRET::t",
    "trino://SECRET:SECRET@SECRET.example.com:8080/SECRET/schema::t",
    "mssql://SECRET:SECRET@SECRET.example.com/SECRET?driver=SECRET::t",
    "clickhouse://SECRET:SECRET@SECRET.example.com:9000/SECRET?secure=1&password=SECRET::t",
    "bigquery://SECRET/data?credentials_path=SECRET.json::t",
    "databricks://token:SECRET@SECRET.example.com/?http_path=SECRET::t",
    "nosuch://SECRET:SECRET@host::t",
    "postgres://[SECRET::t",
    "spark://SECRET.invalid:7077::/SECRET/t",
    "sc://127.0.0.1:1/;token=SECRET::s3a://SECRET:SECRET@SECRET/t",
)
pytestmark = pytest.mark.usefixtures("few_families")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DuckDB file with a table of customers, and views that read from outside it."""
    path = tmp_path_factory.mktemp("db") / "my.duckdb"
    outside = path.with_name("outside.csv")
    outside.write_text("score,spend\n1,2\n")
    with duckdb.connect(path) as connection:
        connection.execute(
            "create table t as select 1 + i % 10 as score, i % 7 * 10 as spend, "
            "case when i % 2 = 0 then '=HYPERLINK(\"http://x\")' else ? end as plan from range(300) t(i)",
            [HOSTILE],
        )
        connection.execute(f"create view peek as select * from read_csv('{outside}')")
    return path


def _texts_of(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = {path.name: path.read_bytes().decode("latin-1") for path in files}
    pages = [PdfReader(path).pages for path in files if path.suffix == ".pdf"]
    return texts | {"pdf": " ".join(page.extract_text() for pdf in pages for page in pdf)}


@pytest.mark.usefixtures("empty_pictures")
def test_a_fit_keeps_and_prints_nothing_of_an_address(
    database: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    address = f"duckdb://{database}?custom_user_agent=SECRET::t"
    assert run(["fit", address, *SPENT, "--adjust", "plan", "--out", str(tmp_path / "run")]) == 0
    said = capsys.readouterr()
    texts = _texts_of(tmp_path / "run") | {"out": said.out, "err": said.err}
    for name, text in texts.items():
        assert "SECRET" not in text, name
        assert "my.duckdb" not in text, name
        assert "\x1b[31m" not in text or name.endswith((".parquet", ".csv")), name  # there it is data
    assert "cxlink fit URL::t" in " ".join(texts["pdf"].split())
    assert "[U+001B]" in texts["report.html"]
    assert "\u202e" not in (tmp_path / "run/run.json").read_text(encoding="utf-8")
    rows = list(csv.reader(io.StringIO((tmp_path / "run/estimates.csv").read_text(encoding="utf-8"))))
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+", "\t", "\r"))]


@pytest.mark.parametrize("command", ["fit", "check", "init"])
@pytest.mark.parametrize("address", UNREACHED)
def test_what_cannot_be_opened_is_said_without_its_address(
    address: str, command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    arguments = SPENT if command != "init" else []
    assert run([command, address, *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("cxlink: t: ")
    assert said.err.count("\n") == 1
    for part in ("SECRET", "SE%2FCRET", "SE/CRET", "example.com"):
        assert part not in said.out + said.err
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_a_table_and_a_file_on_the_web_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for text in ("snowflake://u:SECRET@acc/db", "https://u:SECRET@host/churn.csv", "s3://SECRET/*.parquet"):
        assert run(["check", text, *SPENT]) == 2
        said = capsys.readouterr().err
        assert said.startswith("cxlink: table: of an address, give the table too")
        assert "SECRET" not in said
    assert run(["frobnicate", "mysql://u:SECRET@host::t"]) == 2
    assert run(["fit", "churn.csv", "mysql://u:SECRET@host::t"]) == 2
    assert "SECRET" not in capsys.readouterr().err


def test_a_fault_of_ours_keeps_no_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(table: str, *_: object) -> None:
        raise RuntimeError(f"lost {table} for reader with SECRET")

    monkeypatch.setattr(commands, "spec_for", broken)
    assert run(["check", "postgres://reader:SECRET@warehouse/db::t", *SPENT]) == 1
    said = capsys.readouterr().err
    trace = Path(said.split(" is in ")[1].strip())
    text = trace.read_text(encoding="utf-8")
    trace.unlink()
    assert "RuntimeError: lost" in text
    for part in ("SECRET", "reader", "warehouse"):
        assert part not in said + text


def test_the_command_to_run_again_has_no_address_and_no_folder(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.touch()
    typed = [
        "fit",
        "mysql://u:SECRET@host::shop.t",
        f"--spec={spec}",
        "--date-format",
        "%d/%m/%Y",
        "--out",
        "x",
    ]
    assert command_line(typed) == "cxlink fit URL::shop.t --spec=spec.toml --date-format %d/%m/%Y"
    assert command_line(["fit", "data/*.csv", "--spec", str(spec)]) == "cxlink fit '*.csv' --spec spec.toml"


def test_an_address_may_come_from_the_environment(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAREHOUSE", f"duckdb://{database}")
    source = open_source("$WAREHOUSE::t", TableSection())
    assert source.columns == ("score", "spend", "plan")
    assert str(database) not in repr(source).replace(str(source.engine), "")
    source.close()
    assert shown("$WAREHOUSE::t") == "URL::t"
    with pytest.raises(InputError, match="no variable of that name"):
        parted("$NOWHERE::t")


@pytest.mark.long
def test_a_notebook_is_given_a_variable_for_an_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import papermill.exceptions  # noqa: F401  (what is raised by it is caught)

    class Papermill:
        @staticmethod
        def inspect_notebook(_: str) -> dict[str, object]:
            return {"table": {}}

        @staticmethod
        def execute_notebook(_: str, out: str, parameters: dict[str, object], **__: object) -> None:
            Path(out).write_text(
                json.dumps([parameters, os.environ[str(parameters["table"]).split("::")[0][1:]]])
            )

    monkeypatch.setattr(notebook, "NEW_COHORT", tmp_path / "new.ipynb")
    (tmp_path / "new.ipynb").touch()
    monkeypatch.setitem(__import__("sys").modules, "papermill", Papermill)
    notebook.run_notebook(
        {"table": "mysql://u:SECRET@h::t"}, tmp_path / "out.ipynb", notebook=tmp_path / "new.ipynb"
    )
    parameters, held = json.loads((tmp_path / "out.ipynb").read_text())
    assert parameters == {"table": "$CXLINK_ADDRESS::t"}
    assert held == "mysql://u:SECRET@h"
    assert "CXLINK_ADDRESS" not in os.environ


@given(st.text(max_size=9), st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=1))
def test_parameters_of_a_notebook_are_values_and_never_code(text: str, flags: dict[str, str]) -> None:
    from papermill.translators import PythonTranslator  # takes seconds, which every worker would spend

    code = PythonTranslator.codify({"table": text, "flags": flags})
    tree = ast.parse(code)
    assert [type(node) for node in tree.body] == [ast.Assign, ast.Assign]
    assert [ast.literal_eval(node.value) for node in tree.body] == [text, flags]  # type: ignore[attr-defined]


def test_a_cohort_does_not_print_where_it_came_from() -> None:
    shown_fields = {name for name, field in Cohort.__dataclass_fields__.items() if field.repr}
    assert "table" not in shown_fields


def test_parts_of_an_address_are_told_by_words() -> None:
    address = "postgres://reader:p%40ss@warehouse.example.com/db"
    for text in ('user "reader"', "at WAREHOUSE.example.com", "p@ss", "p%40ss"):
        assert tells(text, address), text
    for text in ("readers of it", "no such column", "postgres"):
        assert not tells(text, address), text
    assert hidden(f"cannot open {address} as reader", [address]) == "cannot open *** as ***"


def test_the_folder_of_a_file_that_spark_reads_is_a_part_of_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAKE", "spark://local[2]::s3a://key:SECRET@bucket/crm")
    place = ("spark://local[2]::s3a://key:SECRET@bucket/crm", "customers.parquet")
    for text in ("$LAKE::customers.parquet", "::".join(place[:1]) + "/customers.parquet/"):
        assert parted(text) == place
        assert shown(text) == "URL::customers.parquet"
    assert parted("sc://host:15002::sales.customers") == ("sc://host:15002", "sales.customers")
    assert parted("postgres://host/db::a/b") == ("postgres://host/db", "a/b")
    asked = ["fit", "sc://host::/srv/crm/t.parquet"]
    assert (
        hidden("sc://host cannot read /srv/crm/t.parquet", addresses_in(asked))
        == "*** cannot read ***/t.parquet"
    )
    written, variables = notebook._without_address({"table": "spark://local[2]::/srv/crm/t.parquet"})
    monkeypatch.setenv(*next(iter(variables.items())))
    assert parted(written["table"]) == ("spark://local[2]::/srv/crm", "t.parquet")
    assert "crm" not in written["table"]


def test_duckdb_reads_the_files_it_was_given_and_nothing_else(database: Path, tmp_path: Path) -> None:
    mine, other = tmp_path / "a's[1].csv", tmp_path / "b.csv"
    for path in (mine, other):
        path.write_text("x\n1\n")
    engine = embedded((mine,))
    for place in (other, "https://example.com/x.csv", "s3://bucket/x.csv", "/etc/passwd"):
        with pytest.raises(Exception, match=r"Permission Error|Missing Extension"):
            engine.raw_sql(f"select * from read_csv('{place}')").fetchall()
    for statement in ("install httpfs", "set enable_external_access = true", "attach 'x.db'"):
        with pytest.raises(Exception, match=r"Permission|configuration|Invalid Input"):
            engine.raw_sql(statement).fetchall()
    engine.disconnect()
    with pytest.raises(InputError, match=r"^peek: .*(Permission|cannot be)"):
        source = open_source(f"duckdb://{database}::peek", TableSection())
        source.run(source.table.count())


@given(st.text())
def test_a_cell_that_begins_a_formula_is_neutral_and_comes_back(text: str) -> None:
    assert as_written(neutral(text)) == text


@given(st.text(alphabet="=+-@\t\r\n' 1a,;\"\x00\u202e", max_size=6))
def test_tables_come_back_from_csv_as_they_were(text: str) -> None:
    table = pd.DataFrame({"group": [text, "=1"], "estimate": [-0.5, 1.0]})
    written = csv_text(table)
    assert read_csv(io.StringIO(written))["group"].tolist() == [text, "=1"]
    first = next(iter(list(csv.reader(io.StringIO(written)))[1:]), [""])[0]
    assert not first.startswith(("=", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-3", "-3"), ("+1.5", "+1.5"), ("-3--1", "'-3--1"), ("'=1", "''=1"),
     ("\t=1", "'\t=1"), ("＝1", "'＝1"), ("plan=a", "plan=a"), ("", "")],
)  # fmt: skip
def test_the_cells_that_are_marked(text: str, cell: str) -> None:
    assert neutral(text) == cell


@given(st.text())
def test_what_is_shown_is_one_line_that_moves_nothing(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(text) == visible(visible(text))


def test_what_a_terminal_would_obey_is_shown_by_its_code_point(capsys: pytest.CaptureFixture[str]) -> None:
    assert visible(HOSTILE) == "red[U+001B][31m[U+0007][U+202E]gnp.exe"
    assert visible("a\tb\nc\u2028d\xa0e") == "a b c d e"
    assert run(["check", f"{HOSTILE}.csv", *SPENT]) == 2
    assert capsys.readouterr().err == "cxlink: red[U+001B][31m[U+0007][U+202E]gnp.exe.csv: no file matches.\n"


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../x", "x"),
        ("a/b\\c:d", "a-b-c-d"),
        ("nul", "cohort-nul"),
        ("COM1.txt", "cohort-COM1.txt"),
        ("a\x00b\x1b", "a-b"),
        ("...", "cohort"),
        ("saas 2019.", "saas-2019"),
    ],
)
def test_a_cohorts_name_is_a_folders_name_anywhere(name: str, folder: str) -> None:
    assert file_name(name) == folder


@given(st.text())
def test_no_name_of_a_cohort_leaves_its_folder(name: str) -> None:
    made = file_name(name)
    assert made == Path(made).name
    assert 0 < len(made.encode()) <= 120
    assert made.isprintable()
    assert not made.startswith(".")
