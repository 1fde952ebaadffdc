"""Scores in a table of their own: surveys joined to the customers who gave them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from cxlink.cohort.addresses import is_address
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.files import find_files, likely_skip
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.spec.cohort_spec import CohortSpec, TableSection


def with_surveys(source: Source, spec: CohortSpec, table: Any) -> tuple[Source, int, int]:
    """Give customers their surveys: a row for each survey, and one without a score for who gave none.

    Parameters
    ----------
    source : Source
        The customers, one row each; or with spans of subscriptions several, of which each gets every survey.
    spec : CohortSpec
        Its ``[table] surveys`` and ``on``.
    table : str, Path or anything that `open_source` takes
        Where the customers stand: a relative path of surveys is looked for beside it first.

    Returns
    -------
    source : Source
        The customers as they were where the spec names no surveys.
    n_unmatched : int
        Surveys of nobody in the table of customers, which are left out.
    n_alike : int
        Those of them whose key is nearly that of a customer, see `nearly_matched`.

    Raises
    ------
    InputError
        If the surveys cannot be read, a customer stands in two rows, or a column stands in both tables.
    """
    options = spec.table
    if options.surveys is None or options.on is None:
        return source, 0, 0
    place = beside(options.surveys, table)
    surveys = open_source(place, of_its_own(place, options), spec.table_columns)
    try:
        keep = [name for name in surveys.columns if name in spec.table_columns and name != options.on]
        both = next((name for name in keep if name in source.columns), None)
        if both is not None:
            raise InputError(f"{surveys.name}: {both} stands in {source.name} too. Rename one of them.")
        key = joining_key(columns.raw(surveys, options.on, "on"))
        right = "key_" + max([*source.columns, *surveys.columns], key=len)  # longer than any name there
        rows = surveys.run(surveys.table.select(key.name(right), *(surveys.table[name] for name in keep)))
    finally:
        surveys.close()
    return _joined(source, rows, right, options.on, several=spec.spans)


def beside(name: str, table: Any) -> str:
    """Say where a further table is: beside the table of customers, else where the path says."""
    if isinstance(table, str | Path) and "::" not in name and "::" not in str(table):
        folder = Path(table) if Path(table).is_dir() else Path(table).parent
        if (folder / name).exists():
            return str(folder / name)
    return name


def of_its_own(place: str, options: TableSection) -> TableSection:
    """How a further table is read: as the table of customers, but for its sheet and the lines above its header."""
    own = options.model_copy(update={"sheet": None, "skip_rows": None})
    if is_address(place):
        return own
    return own.model_copy(update={"skip_rows": likely_skip(find_files(place), own)})


def joining_key(column: Any) -> Any:
    """Give a key as text, the same from whole numbers, numbers and text."""
    if column.type().is_string():
        return column.strip().nullif("")
    number = columns.without_nan(column.cast("float64")) if column.type().is_floating() else column
    return (number.cast("int64") if column.type().is_numeric() else number).cast("string")


def nearly_matched(source: Source, unmatched: Any, customers: Any) -> int:
    """Number of keys without a customer that are one's but for leading zeros, capitals, blanks or a part of zeros.

    A program that takes ids for numbers writes ``00123`` as ``123`` or ``123.0``.

    Parameters
    ----------
    source : Source
        The customers.
    unmatched, customers : ibis Table
        Keys as text in a column ``key``, of a further table and of the customers.
    """
    import ibis

    sizes = unmatched.group_by(plain=_plain(unmatched.key)).aggregate(n=unmatched.count())
    theirs = ibis.memtable(source.run(sizes))
    ours = customers.select(plain=_plain(customers.key))
    found = source.run(theirs.semi_join(ours, theirs.plain == ours.plain).aggregate(n=ibis._.n.sum()))
    return int(found["n"][0].as_py() or 0)


def _plain(key: Any) -> Any:
    letters = key.re_replace(r"\s+", "").lower()
    return letters.re_replace(r"[.,]0+$", "").re_replace(r"^0+([0-9])", r"\1")


def _joined(source: Source, rows: Any, right: str, on: str, *, several: bool) -> tuple[Source, int, int]:
    import ibis

    left = right + "_of_customer"
    customers = source.table.mutate(joining_key(columns.raw(source, on, "on")).name(left))
    if not several:
        _refuse_repeated(source, customers, left, on)
    surveys = ibis.memtable(rows)
    unmatched = surveys.anti_join(customers, surveys[right] == customers[left])
    n_unmatched = int(source.run(unmatched.count()).as_py())
    n_alike = (
        nearly_matched(source, unmatched.select(key=right), customers.select(key=left)) if n_unmatched else 0
    )
    joined = customers.left_join(surveys, customers[left] == surveys[right]).drop(left, right)
    every = (*source.columns, *(name for name in rows.column_names if name != right))
    return replace(source.kept(joined), columns=every), n_unmatched, n_alike


def _refuse_repeated(source: Source, customers: Any, left: str, on: str) -> None:
    keyed = customers.filter(customers[left].notnull()).select(left)
    keys = keyed.group_by(left).aggregate(n=keyed.count())
    n_twice = int(source.run(keys.filter(keys.n > 1).count()).as_py())
    if n_twice:
        raise InputError(
            f"{source.name}: {on} must not repeat in the table of customers: {n_twice:,} of its values do. Keep one "
            "row a customer there; only surveys may be several, and spans of a subscription ([subscription] gap_days)."
        )
