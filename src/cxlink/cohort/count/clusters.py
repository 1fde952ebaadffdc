"""Clusters of rows that are not independent: each belongs to one of 200 buckets, in which they are counted apart."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import SURVEY_NUMBER, CohortSpec
from cxlink.cohort.strata import stratum_column

BUCKETS = 200
MOST_OF_ALL = 0.5
"""Share of the customers in one cluster from which on nothing is left to be compared with it."""
FEWEST_CLUSTERS = 10
"""Under which it is said that hardly anything has an interval."""
_WHOLE = r"^(-?[0-9]+)\.0+$"
"""A whole number as a frame with missing cells writes it: ``17.0``."""
_DIGITS = "0123456789abcdef"
_WIDTH = 4
BUCKET_OF_ROW = "cluster.bucket"
_NAME, _ROWS = "cluster.name", "cluster.rows"
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
    sizes = _sizes(source, spec)
    bucket = bucket_number(_as_text(sizes[_NAME]), "duckdb").cast("uint8")
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
    some = same.ifelse(None, bucket_number(_as_text(own), "duckdb").cast("uint8"))
    return replace(source, table=source.table.mutate(some.name(BUCKET_OF_ROW)).view())


def _sizes(source: Source, spec: CohortSpec) -> Any:
    """Rows of each cluster, by what its column holds: several values may be one cluster, see `_as_text`."""
    own = columns.raw(source, str(spec.cluster_column), "cluster")
    return source.table.group_by(own.name(_NAME)).aggregate(source.table.count().name(_ROWS))


def with_bucket_column(source: Source, spec: CohortSpec) -> Source:
    """Give rows the bucket of their cluster as a column, where clusters were numbered; not always in their order."""
    numbered = source.clusters is not None and spec.cluster_column is not None
    if not numbered or BUCKET_OF_ROW in source.table.columns:
        return source
    own = columns.raw(source, str(spec.cluster_column), "cluster")
    joined = source.table.left_join(source.clusters, own == source.clusters[_NAME]).drop(_NAME, _ROWS)
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
        _as_text(columns.raw(source, str(spec.cluster_column), "cluster")), source.engine.name
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


def cluster_sizes(source: Source, spec: CohortSpec, raw: pa.Table) -> tuple[Remark, ...]:
    """Count clusters and look at their sizes; nothing without ``[cohort] cluster``.

    Parameters
    ----------
    source : Source
        The rows that are counted.
    spec : CohortSpec
        Their clusters.
    raw : Arrow table
        Their raw cells: where every survey counts, these tell how many each customer has.

    Returns
    -------
    tuple of Remark
        ``clusters`` (``surveyed_customers`` where they are customers): their number ``n``, with the facts ``column``,
        ``largest`` (customers in the largest) and ``size`` (Σm²/Σm, the mean size of a customer's cluster); where there
        are fewer than ten also ``few_clusters``.

    Raises
    ------
    InputError
        If a row has no cluster, or one cluster has half of the customers or more.
    """
    name = spec.cluster_column
    if name is None:
        return ()
    seen = _seen(source, spec, raw)
    n_rows, largest = int(seen["rows"] or 0), int(seen["largest"] or 0)
    if seen["missing"]:
        fail = "row fails" if seen["missing"] == 1 else "rows fail"
        raise InputError(
            f"{source.name}: {name} must be there in every row ([cohort] cluster). {seen['missing']:,} of {n_rows:,} "
            f"{fail} (found nothing). Fill it in: a customer without an account is a cluster of one, with an id of "
            "its own."
        )
    if largest >= MOST_OF_ALL * n_rows and spec.cohort.cluster is None:
        raise InputError(
            f'{source.name}: one {name} has {largest:,} of the {n_rows:,} surveys ([cohort] repeat = "all"). With '
            "half of them or more from one customer nothing independent is left to estimate errors from: leave that "
            'customer out, or set repeat = "first".'
        )
    if largest >= MOST_OF_ALL * n_rows:
        raise InputError(
            f"{source.name}: one {name} has {largest:,} of the {n_rows:,} customers ([cohort] cluster). With half of "
            "them or more in one cluster nothing independent of it is left to estimate errors from: analyse that "
            "account by itself, or name a finer unit."
        )
    facts: dict[str, Fact] = {"column": name, "largest": largest, "size": float(seen["squares"]) / n_rows}
    n = int(seen["clusters"])
    few = (Remark("few_clusters", n, facts={"column": name}),) if n < FEWEST_CLUSTERS else ()
    # where every survey counts, the rows that are not independent are those of one customer
    code = "clusters" if spec.cohort.cluster is not None else "surveyed_customers"
    return (Remark(code, n, facts=facts), *few)


def _seen(source: Source, spec: CohortSpec, raw: pa.Table) -> dict[str, Any]:
    """Number of clusters, of rows and of those without a cluster, the largest, and the sum of squares."""
    of_customers = spec.every_survey and spec.cohort.cluster is None
    if of_whole_customers(source, spec) or (of_customers and _one_each(source)):
        return _seen_in_cells(raw)
    if source.clusters is not None and not of_customers:
        seen = _totals(source, source.clusters)
        # each row that is counted was numbered: with as many rows they are the same
        if seen["rows"] == pc.sum(raw["n"]).as_py():
            return seen
    return _totals(source, _sizes(source, spec))


def _one_each(source: Source) -> bool:
    """Whether each value of the column is a cluster of its own: text is, where all of it is read as it is written."""
    if source.clusters is None:
        return False
    names = source.clusters.select(name=_as_text(source.clusters[_NAME]))
    (seen,) = source.run(names.aggregate(values=names.count(), names=names.name.nunique())).to_pylist()
    return bool(seen["values"] == seen["names"])


def _seen_in_cells(raw: pa.Table) -> dict[str, Any]:
    """The same of customers from the cells of their surveys: each has one that is the first."""
    first = pc.equal(raw[stratum_column(SURVEY_NUMBER)], 1)
    totals = {
        "clusters": pc.sum(raw["n"].filter(first)), "rows": pc.sum(raw["n"]), "largest": pc.max(raw["surveys_max"]),
        "squares": pc.sum(raw["surveys_sum"]),
    }  # fmt: skip
    return {"missing": 0, **{name: total.as_py() or 0 for name, total in totals.items()}}


def _totals(source: Source, by_value: Any) -> dict[str, Any]:
    """The same of clusters by what their column holds."""
    if by_value[_NAME].type().is_integer():
        named = by_value.select(cluster=by_value[_NAME], m=by_value[_ROWS])
    else:
        sizes = by_value.select(cluster=_as_text(by_value[_NAME]), m=by_value[_ROWS])
        named = sizes.group_by("cluster").aggregate(m=sizes.m.sum())
    m = named.m.cast("float64")
    (seen,) = source.run(
        named.aggregate(
            clusters=named.cluster.count(), missing=named.m.sum(where=named.cluster.isnull()), rows=named.m.sum(),
            largest=named.m.max(), squares=(m * m).sum(),
        )
    ).to_pylist()  # fmt: skip
    return dict(seen)


def _as_text(column: Any) -> Any:
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
