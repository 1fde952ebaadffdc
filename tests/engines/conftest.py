"""A server of Postgres to count on: the one that CXLINK_POSTGRES names (`make test-engines` starts it)."""

import os
from collections.abc import Callable, Iterator, Sequence
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
def customers(postgres: str, sent: Any, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Any]:
    """The same customers in a Parquet file and in Postgres, in another order of rows there."""
    rows = crm()
    path: Path = tmp_path_factory.mktemp("crm") / "customers.parquet"
    pq.write_table(rows, path)
    sent("customers", rows.take(pa.array(range(len(rows) - 1, -1, -1))))
    return path, f"{postgres}::customers"
