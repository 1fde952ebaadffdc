"""Clusters of rows that are not independent: each belongs to one of 200 buckets, in which they are counted apart."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

BUCKETS = 200
_WHOLE = r"^(-?[0-9]+)\.0+$"
"""A whole number as a frame with missing cells writes it: ``17.0``."""
_DIGITS = "0123456789abcdef"
_WIDTH = 4
BUCKET_OF_ROW = "cluster.bucket"
VALUE, ROWS = "cluster.name", "cluster.rows"
"""Columns of the table of clusters; the first also one of the rows that are joined to it."""


def bucket_of(name: str) -> int:
    """Give the bucket of a cluster: the first four hexadecimal digits of the MD5 of its name, modulo 200.

    Examples
    --------
    >>> bucket_of("a17")
    48
    """
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:_WIDTH], 16) % BUCKETS


def with_clusters(source: Source, spec: CohortSpec) -> Source:
    """Number each cluster once: a table of them, with their rows and their bucket, beside that of the rows.

    Each row then has its bucket by a join, which costs less than the digest of its name. Where the engine is not ours
    nothing is kept in it, and rows are numbered one by one.

    Raises
    ------
    InputError
        If the column is not there.
    """
    name = spec.cluster_column
    if name is None or not source.ours or source.engine.name != "duckdb" or of_whole_customers(source, spec):
        return source
    sizes = rows_by_value(source, spec)
    bucket = bucket_number(name_as_text(sizes[VALUE]), "duckdb").cast("uint8")
    return replace(source, clusters=source.stored(sizes.mutate(bucket.name(BUCKET_OF_ROW))))


def of_whole_customers(source: Source, spec: CohortSpec) -> bool:
    """Whether clusters are customers, named by whole numbers, whose surveys all count: each number is a cluster."""
    if not spec.every_survey or spec.cohort.cluster is not None:
        return False
    return bool(columns.raw(source, str(spec.cluster_column), "cluster").type().is_integer())


def with_bucket_of_some(source: Source, spec: CohortSpec) -> Source:
    """Give some rows of each cluster its bucket: those whose row before is of another, or the first that is read.

    The digest is taken once a cluster where its rows follow one another. Only where `of_whole_customers`, and by
    DuckDB, which gives the row before as it reads; who sorts rows by customer gives the others theirs.
    """
    import ibis

    if source.engine.name != "duckdb" or not of_whole_customers(source, spec):
        return source
    own = columns.raw(source, str(spec.cluster_column), "cluster")
    same = (own.lag().over(ibis.window()) == own).fill_null(False)
    some = same.ifelse(None, bucket_number(name_as_text(own), "duckdb").cast("uint8"))
    return replace(source, table=source.table.mutate(some.name(BUCKET_OF_ROW)).view())


def rows_by_value(source: Source, spec: CohortSpec) -> Any:
    """Rows of each cluster, by what its column holds: several values may be one cluster, see `name_as_text`."""
    own = columns.raw(source, str(spec.cluster_column), "cluster")
    return source.table.group_by(own.name(VALUE)).aggregate(source.table.count().name(ROWS))


def with_bucket_column(source: Source, spec: CohortSpec) -> Source:
    """Give rows the bucket of their cluster as a column, where clusters were numbered; not always in their order."""
    numbered = source.clusters is not None and spec.cluster_column is not None
    if not numbered or BUCKET_OF_ROW in source.table.columns:
        return source
    own = columns.raw(source, str(spec.cluster_column), "cluster")
    joined = source.table.left_join(source.clusters, own == source.clusters[VALUE]).drop(VALUE, ROWS)
    return source.kept(joined)


def bucket_key(source: Source, spec: CohortSpec) -> Any:
    """Give the bucket of each row, as `bucket_of` does: the same on every engine, from numbers and from text.

    Raises
    ------
    InputError
        If the column is not there.
    """
    if BUCKET_OF_ROW in source.table.columns:
        return source.table[BUCKET_OF_ROW]
    return bucket_number(
        name_as_text(columns.raw(source, str(spec.cluster_column), "cluster")), source.engine.name
    )


def bucket_number(name: Any, engine: str) -> Any:
    """Give the bucket of a column of names, in the words of an engine."""
    import ibis

    if engine == "duckdb":
        # without writing the digits: the first two bytes, of which the digest as a number has the first one lowest
        low = (_builtin("md5_number", "int64")(name) & 0xFFFF).cast("int32")
        number = (low & 0xFF) * 256 + (low >> 8)
    else:
        digest = _builtin("md5", "string")(name)
        digits = [ibis.literal(_DIGITS).find(digest.substr(k, 1)) for k in range(_WIDTH)]
        number = sum((digit * 16 ** (_WIDTH - 1 - k) for k, digit in enumerate(digits)), ibis.literal(0))
    return (number % BUCKETS).cast("int64")


@cache
def _builtin(name: str, gives: str) -> Callable[[Any], Any]:
    """A function of a text that engines have: MD5 in hexadecimal digits (DuckDB, Postgres, Spark), or as a number."""
    import ibis

    made: Callable[[Any], Any] = ibis.udf.scalar.builtin(
        lambda _text: ..., name=name, signature=(("string",), gives)
    )
    return made


def name_as_text(column: Any) -> Any:
    """The cluster as text, the same from whole numbers, numbers and text; empty where there is none."""
    kind = column.type()
    if kind.is_string():
        return column.strip().re_replace(_WHOLE, r"\1").nullif("")
    if kind.is_floating() or kind.is_decimal():
        value = columns.without_nan(column.cast("float64"))
        # engines round down to whole numbers, which an infinite or a huge one is not
        near = value.between(-(2.0**53), 2.0**53).ifelse(value, None)
        whole = (near == near.floor()).ifelse(near, None)
        return whole.notnull().ifelse(whole.cast("int64").cast("string"), value.cast("string"))
    return column.cast("string")
