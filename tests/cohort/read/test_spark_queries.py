"""Queries for Spark say what it does otherwise; that it then counts alike is tried in `tests/engines`."""

import re

import ibis
import ibis.expr.operations as ops
import pytest

from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns, dates
from cxlink.cohort.read.source import open_source
from cxlink.cohort.read.spark_queries import as_elsewhere
from cxlink.cohort.spec.spec_sections import TableSection

ROWS = ibis.table({"text": "string", "number": "float64"}, name="rows")


def _of(kind: type, table: ibis.Table) -> list[ops.Node]:
    return list(as_elsewhere(table).op().find(kind))


def test_a_group_of_a_pattern_is_called_as_java_calls_it() -> None:
    table = ROWS.select(x=ROWS.text.re_replace("^([0-9]+) = .*$", r"\1"))
    assert [node.replacement.value for node in _of(ops.RegexReplace, table)] == ["$1"]


def test_blanks_of_every_kind_are_taken_off_both_ends() -> None:
    table = ROWS.select(x=ROWS.text.strip())
    assert _of(ops.Strip, table) == []
    assert [node.pattern.value for node in _of(ops.RegexReplace, table)] == [r"^\s+|\s+$"]


@pytest.mark.parametrize("read", [columns.number, dates.date])
def test_text_is_read_where_it_looks_like_what_is_wanted(read: object) -> None:
    table = ROWS.select(x=read(ROWS.text, TableSection()))  # type: ignore[operator]
    patterns = [node.pattern.value for node in _of(ops.RegexSearch, table) if "[0-9]" in node.pattern.value]
    assert len(patterns) == 1
    assert len(_of(ops.TryCast, table)) >= 1
    if read is columns.number:
        assert all(re.search(patterns[0], text) for text in ("7", " 7", "\t-7.5 ", ".5\n", "1e3 "))
        assert not any(re.search(patterns[0], text) for text in ("7d", "0x7p0", "7 7", "", " "))


def test_what_other_engines_do_alike_stays() -> None:
    table = ROWS.group_by(key=ROWS.text.lower()).aggregate(total=ROWS.number.sum()).limit(5)
    assert as_elsewhere(table).equals(table)


@pytest.mark.parametrize(
    ("address", "why"),
    [("spark://127.0.0.1:1", "no server answers there"), ("sc://127.0.0.1:1", "no server answers there")],
)
def test_a_server_that_does_not_answer_is_named_at_once(address: str, why: str) -> None:
    from importlib.util import find_spec

    if find_spec("pyspark") is None:
        why = "its driver pyspark is not installed"
    with pytest.raises(InputError) as refused:
        open_source(f"{address}::sales.customers", TableSection())
    assert str(refused.value) == f"sales.customers: cannot be opened at that address ({why})."
