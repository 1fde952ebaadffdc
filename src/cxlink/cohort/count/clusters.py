"""Clusters of rows that are not independent: each belongs to one of 200 buckets, in which they are counted apart."""

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

BUCKETS = 200
MOST_OF_ALL = 0.5
"""Share of the customers in one cluster from which on nothing is left to be compared with it."""
FEWEST_CLUSTERS = 10
"""Under which it is said that hardly anything has an interval."""
_WHOLE = r"^(-?[0-9]+)\.0+$"
"""A whole number as a frame with missing cells writes it: ``17.0``."""
_DIGITS = "0123456789abcdef"
_WIDTH = 4


def bucket_of(name: str) -> int:
    """Give the bucket of a cluster: the first four hexadecimal digits of the MD5 of its name, modulo 200.

    Examples
    --------
    >>> bucket_of("a17")
    48
    """
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:_WIDTH], 16) % BUCKETS


def bucket_key(source: Source, spec: CohortSpec) -> Any:
    """Give the bucket of each row, as `bucket_of` does: the same on every engine, from numbers and from text.

    Raises
    ------
    InputError
        If the column is not there.
    """
    return bucket_number(_cluster(source, spec), source.engine.name)


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


def cluster_sizes(source: Source, spec: CohortSpec) -> tuple[Remark, ...]:
    """Count clusters and look at their sizes: a pass of its own; nothing without ``[cohort] cluster``.

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
    rows = source.table.select(cluster=_cluster(source, spec))
    sizes = rows.group_by("cluster").aggregate(m=rows.count())
    m = sizes.m.cast("float64")
    seen = source.run(
        sizes.aggregate(
            clusters=sizes.cluster.count(), missing=sizes.m.sum(where=sizes.cluster.isnull()), rows=sizes.m.sum(),
            largest=sizes.m.max(), squares=(m * m).sum(),
        )
    ).to_pylist()[0]  # fmt: skip
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


def _cluster(source: Source, spec: CohortSpec) -> Any:
    """The cluster as text, the same from whole numbers, numbers and text; empty where there is none."""
    column = columns.raw(source, str(spec.cluster_column), "cluster")
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
