"""A table that is grouped already: each of its rows stands for a number of customers with the same values."""

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

MOST_CUSTOMERS = 1_000_000_000


def one_row_each(source: Source, spec: CohortSpec) -> tuple[Source, tuple[Remark, ...]]:
    """Give a grouped table a row for each customer, repeated by the engine while it counts, and say so.

    Raises
    ------
    InputError
        If the column of counts is not there, or holds anything but whole numbers of 0 or more.
    """
    import ibis

    name = spec.cohort.count
    if name is None:
        return source, ()
    n = columns.whole_key(columns.raw(source, name, "count"), spec.table, (0, MOST_CUSTOMERS))
    wrong = n.isnull() | ~n.between(0, MOST_CUSTOMERS)
    rows = source.table.select(n=n, wrong=wrong, given=source.table[name].cast("string"))
    seen = source.run(
        rows.aggregate(
            rows=rows.count(), wrong=columns.as_one(rows.wrong).sum(), total=rows.n.cast("float64").sum(),
            found=rows.given.min(where=rows.wrong),
        )
    ).to_pylist()[0]  # fmt: skip
    if seen["wrong"]:
        found = "nothing" if seen["found"] is None else seen["found"]
        fail = "rows fails" if seen["wrong"] == 1 else "rows fail"
        raise InputError(
            f"{source.name}: {name} must be a whole number of customers, 0 or more, in every row. {seen['wrong']:,} of "
            f"{seen['rows']:,} {fail} (found {found}). Correct it, or leave [cohort] count out."
        )
    if (seen["total"] or 0) > MOST_CUSTOMERS:
        raise InputError(
            f"{source.name}: {name} adds up to {seen['total']:,.0f} customers; at most {MOST_CUSTOMERS:,} are counted. "
            "Check that it counts customers."
        )
    names = source.table.columns
    times = "times_" + max(names, key=len)  # longer than any name there
    many = source.table.mutate(n.name(times))
    many = many.filter(many[times] > 0)
    each = many.select(*(many[one] for one in names), ibis.range(0, many[times]).unnest().name(times))
    facts: dict[str, Fact] = {"column": name, "customers": int(seen["total"] or 0)}
    return source.kept(each.select(names)), (Remark("grouped_rows", seen["rows"], facts=facts),)
