"""How many clusters there are, and of what sizes: said in the report, and refused where one has half of everybody."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.checks import Fact
from cxlink.cohort.count.clusters import ROWS, VALUE, name_as_text, of_whole_customers, rows_by_value
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import SURVEY_NUMBER, CohortSpec
from cxlink.cohort.strata import stratum_column

MOST_OF_ALL = 0.5
"""Share of the customers in one cluster from which on nothing is left to be compared with it."""
FEWEST_CLUSTERS = 10
"""Under which it is said that intervals rest on so few, or that hardly anything has one."""


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
    return _totals(source, rows_by_value(source, spec))


def _one_each(source: Source) -> bool:
    """Whether each value of the column is a cluster of its own: text is, where all of it is read as it is written."""
    if source.clusters is None:
        return False
    names = source.clusters.select(name=name_as_text(source.clusters[VALUE]))
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
    if by_value[VALUE].type().is_integer():
        named = by_value.select(cluster=by_value[VALUE], m=by_value[ROWS])
    else:
        sizes = by_value.select(cluster=name_as_text(by_value[VALUE]), m=by_value[ROWS])
        named = sizes.group_by("cluster").aggregate(m=sizes.m.sum())
    m = named.m.cast("float64")
    (seen,) = source.run(
        named.aggregate(
            clusters=named.cluster.count(), missing=named.m.sum(where=named.cluster.isnull()), rows=named.m.sum(),
            largest=named.m.max(), squares=(m * m).sum(),
        )
    ).to_pylist()  # fmt: skip
    return dict(seen)
