"""Engines to count on: those that CXLINK_POSTGRES and CXLINK_SPARK name (`make test-engines` starts them)."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from crm import crm

_TYPES = {
    pa.date32(): "date", pa.int64(): "bigint", pa.float64(): "double precision", pa.bool_(): "boolean",
    pa.string(): 'text collate "en-x-icu"',
}  # fmt: skip


@pytest.fixture(scope="session")
def postgres() -> str:
    """Address of a database that tests may write to."""
    address = os.environ.get("CXLINK_POSTGRES", "")
    if not address:
        pytest.skip("no Postgres: make test-engines starts one")
    return address


@pytest.fixture(scope="session")
def connection(postgres: str) -> Iterator[Any]:
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as opened:
        yield opened


@pytest.fixture(scope="session")
def sent(connection: Any) -> Callable[[str, pa.Table], None]:
    """Send an Arrow table to the server under a name."""

    def send(name: str, rows: pa.Table) -> None:
        columns = ", ".join(f'"{field.name}" {_TYPES[field.type]}' for field in rows.schema)
        connection.execute(f"drop table if exists {name}")
        connection.execute(f"create table {name} ({columns})")
        with connection.cursor().copy(f"copy {name} from stdin") as copy:
            for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                copy.write_row(row)

    return send


@pytest.fixture(scope="session")
def spark() -> Iterator[str]:
    """Address of a Spark; its session is kept for all tests, since to start one takes a while."""
    address = os.environ.get("CXLINK_SPARK", "")
    if not address:
        pytest.skip("no Spark: make test-engines starts one")
    with _kept(address):
        yield address


@contextmanager
def _kept(address: str) -> Iterator[None]:
    from cxlink.cohort.read.spark_sessions import opened

    session, ours = opened(address, "kept")
    yield
    if ours:
        session.stop()


@pytest.fixture(scope="session", params=["postgres", "spark"])
def customers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Any]:
    """The same customers in a Parquet file and in an engine, in another order of rows there."""
    address = request.getfixturevalue(request.param)
    rows = crm()
    path: Path = tmp_path_factory.mktemp("crm") / "customers.parquet"
    pq.write_table(rows, path)
    turned = rows.take(pa.array(range(len(rows) - 1, -1, -1)))
    if request.param == "postgres":
        request.getfixturevalue("sent")("customers", turned)
        return path, f"{address}::customers"
    folder = path.parent / "parts"
    folder.mkdir()
    for part, start in enumerate((0, 700)):
        pq.write_table(turned.slice(start, 700 if part == 0 else None), folder / f"{part}.parquet")
    return path, f"{address}::{folder}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The gateway to Java (py4j) leaves its sockets to be closed with the objects that hold them."""
    for item in items:
        for kind in ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning"):
            item.add_marker(pytest.mark.filterwarnings(f"ignore:.*unclosed.*socket:{kind}"))
