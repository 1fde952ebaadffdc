"""An engine counts its own table, to the last digit as DuckDB counts a file of the same rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crm import ESTIMATED, SPECS, N, crm_spec, same, spans_spec, written_estimates
from tabled import count

from cxlink.cli.commands import run
from cxlink.cohort.count.amounts import sums
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.table import read_cohort

SCALE = {"scale": "0-10"}


@pytest.mark.parametrize("name", SPECS)
def test_counts_are_those_of_a_file_of_the_same_rows(name: str, customers: Sequence[Any]) -> None:
    spec = make_spec(crm_spec(name))
    from_file, from_engine = (read_cohort(table, spec) for table in customers)
    assert same(from_file, from_engine) == dict.fromkeys(same(from_file, from_file), True)


@pytest.mark.parametrize("cohort", [{}, {"cluster": "account"}], ids=["independent", "accounts"])
def test_contacts_are_those_of_customers_in_a_file(
    cohort: dict[str, str], customers: Sequence[Any], tmp_path: Path
) -> None:
    rng, n = np.random.default_rng(4), 5_000
    pq.write_table(pa.table({
        "customer": [f"k{one:05d}" for one in np.arange(n) % (N + 9)], "where": rng.choice(["web", "Zoë"], n),
        "rating": rng.integers(1, 6, n), "day": np.datetime64("2019-03-01") + np.arange(n) // 4,
    }), tmp_path / "contacts.parquet")  # fmt: skip
    contacts = {
        "table": str(tmp_path / "contacts.parquet"), "on": "customer", "touchpoint": "where", "score": "rating",
        "scale": "1-5", "date": "day", "segment": "plan",
    }  # fmt: skip
    dated = {"survey": "survey", "end": "end", "observed_until": "2023-02-28"}
    spec = make_spec({
        "score": {"column": "score", **SCALE}, "cohort": {"id": "customer", **cohort}, "subscription": dated,
        "spend": {"column": "spent", "complete": True}, "adjust": {"columns": ["vip"]}, "touchpoints": contacts,
    })  # fmt: skip
    from_file, from_engine = (read_cohort(table, spec).count().journey for table in customers)
    assert from_file is not None
    assert from_engine is not None
    assert ("bucket" in from_file.cells) == bool(cohort)
    assert from_file.cells["n"].sum() > 500
    for name in ("cells", "contacts", "paths"):
        assert getattr(from_file, name).equals(getattr(from_engine, name))


@pytest.mark.parametrize("clock", ["survey", "signup"])
def test_spans_are_merged_as_those_of_a_file(clock: str, customers: Sequence[Any]) -> None:
    spec = make_spec(spans_spec(clock))
    from_file, from_engine = (read_cohort(table, spec, drop_invalid=True) for table in customers)
    assert from_file.notes[0].code == "spans"
    assert from_file.notes == from_engine.notes
    assert same(from_file, from_engine) == dict.fromkeys(same(from_file, from_file), True)


@pytest.mark.parametrize(
    "flags",
    [
        ["--duration", "months", "--event", "lost", "--adjust", "vip", "--spend", "large", "--complete", "true"],
        ["--signup", "signup", "--survey", "survey", "--end", "end", "--observed-until", "2023-02-28",
         "--id", "customer", "--band", "tenure_at_survey=12", "--spend", "spent"],
    ],
    ids=["durations", "dates"],
)  # fmt: skip
def test_estimates_are_those_of_a_file_byte_for_byte(
    flags: list[str], customers: Sequence[Any], tmp_path: Path
) -> None:
    asked = [
        "--score",
        "score",
        "--scale",
        "0-10",
        *flags,
        "--quick",
        "--draws",
        "100",
        "--formats",
        "html",
        "--quiet",
    ]
    for table, folder in zip(customers, ("file", "engine"), strict=True):
        assert run(["fit", str(table), *asked, "--out", str(tmp_path / folder)]) == 0
    one, other = (tmp_path / folder / "estimates.csv" for folder in ("file", "engine"))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.usefixtures("empty_pictures")
@pytest.mark.parametrize("name", ESTIMATED)
def test_estimates_of_a_spec_are_those_of_a_file_byte_for_byte(
    name: str, customers: Sequence[Any], tmp_path: Path
) -> None:
    places = zip(customers, ("file", "engine"), strict=True)
    of_file, of_engine = (written_estimates(table, name, tmp_path / folder) for table, folder in places)
    assert of_file == of_engine


def test_a_count_sends_few_queries(customers: Sequence[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    before = Source.run

    def noted(source: Source, expression: Any) -> Any:
        sent.append(source.engine.name)
        return before(source, expression)

    monkeypatch.setattr(Source, "run", noted)
    read_cohort(customers[1], make_spec({**crm_spec("a snapshot"), "cohort": {"id": "customer"}}))
    # one that counts; ids: none missing, none twice, none alike but for capitals
    assert len(sent) == 4
    assert set(sent) <= {"postgres", "pyspark"}


def test_sums_are_those_of_duckdb_to_the_last_digit(
    request: pytest.FixtureRequest, customers: Sequence[Any], tmp_path: Path
) -> None:
    draw = np.random.default_rng(1)
    n = 4000
    sizes = 2.0 ** draw.integers(10, 36, n) * draw.uniform(-1, 1, n)
    rows = pa.table({"cell": np.arange(n) % 800, "x": np.where(np.arange(n) % 3, -np.abs(sizes), sizes)})
    if customers[1].startswith("postgres"):
        request.getfixturevalue("sent")("sums", rows)
        table = f"{customers[1].rpartition('::')[0]}::sums"
    else:
        pq.write_table(rows, tmp_path / "sums.parquet")
        table = f"{customers[1].partition('::')[0]}::{tmp_path}/sums.parquet"
    found = []
    for source in (open_source(table, TableSection()), open_source(rows, TableSection())):
        totals = sums(source.table.x, 9e10, source.engine.name)
        counted = source.run(source.table.group_by("cell").aggregate(**totals))
        found.append(counted.sort_by("cell").to_pydict())
        source.close()
    assert found[0] == found[1]


def test_a_run_keeps_nothing_of_the_address(
    customers: Sequence[Any], capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    address, _, name = customers[1].rpartition("::")
    password = address.partition("@")[0].rpartition(":")[2] if "@" in address else address
    secrets = [secret for secret in (password, "127.0.0.1", "local[2]", Path(name).parent.name) if secret]
    asked = [
        "--score",
        "score",
        "--scale",
        "0-10",
        "--duration",
        "months",
        "--event",
        "lost",
        "--quick",
        "--verbose",
    ]
    assert run(["fit", customers[1], *asked, "--formats", "html", "--out", str(tmp_path / "run")]) == 0
    said = capfd.readouterr()
    kept = [path.read_bytes().decode("latin-1") for path in (tmp_path / "run").rglob("*") if path.is_file()]
    for text in (said.out, said.err, *kept):
        assert not [secret for secret in secrets if secret in text]
    # a fault in the middle of a query
    with pytest.raises(InputError) as refused:
        count(customers[1], {"subscription": {"duration": "customer", "event": "lost"}}, score=SCALE)
    assert not [secret for secret in secrets if secret in str(refused.value)]
