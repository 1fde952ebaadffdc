"""A table looked at: how its text is written, and what its columns hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxlink.cohort.addresses import is_address
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.files import find_files, likely_skip
from cxlink.cohort.read.source import open_source
from cxlink.cohort.read.workbooks import WORKBOOKS, sheets_of
from cxlink.cohort.spec.skipped_rows import SkipRows
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.column_looks import LOOKED_AT, Look, looks_of, repeats_of
from cxlink.cohort.starter.event_twins import without_twins
from cxlink.cohort.starter.notation import Notation, notation_of, texts_of
from cxlink.cohort.starter.placeholders import placeholders_of
from cxlink.cohort.starter.roles import best
from cxlink.cohort.starter.seen_spans import are_spans
from cxlink.cohort.starter.unread_dates import with_unread_dates

_ENCODINGS = ("utf-8", "utf-16", "cp1252")


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a table.

    Attributes
    ----------
    name : str
        Of the table.
    looks : list of Look
        Its columns.
    notation : Notation
        How its text is written.
    encoding : str
        In which its text is.
    sheets : tuple of str
        Those of a workbook that has several, the one looked at first.
    skip_rows : int, tuple of int or None
        Lines that are neither header nor customers, where there are any.
    placeholders : mapping of str to tuple of str
        Words that stand for an empty cell, by column.
    joined : tuple of str
        Lines that ``[table]`` needs where surveys stand in a table of their own.
    spans : bool
        Whether its rows are spans of a subscription, several a customer.
    twins : tuple of str
        Columns that stand in the table of surveys too, that of the customer aside.
    """

    name: str
    looks: list[Look]
    notation: Notation
    encoding: str = "utf-8"
    sheets: tuple[str, ...] = ()
    skip_rows: SkipRows | None = None
    placeholders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joined: tuple[str, ...] = ()
    spans: bool = False
    twins: tuple[str, ...] = ()


def seen_table(table: Any) -> Seen:
    """Look at a table, in the first encoding that its text fits.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    for encoding in _ENCODINGS:
        try:
            return _seen_in(table, encoding)
        except InputError as error:
            if encoding == _ENCODINGS[-1] or f"not {encoding}" not in str(error):
                raise
    raise AssertionError


def _seen_in(table: Any, encoding: str) -> Seen:
    sheets = _sheets(table)
    sheet = sheets[0] if sheets else None
    skip_rows = _skipped(table, TableSection(encoding=encoding, sheet=sheet))
    source = open_source(table, TableSection(encoding=encoding, sheet=sheet, skip_rows=skip_rows))
    try:
        texts = texts_of(source)
        gone = placeholders_of(texts)
        texts = {
            name: [one for one in values if one not in gone.get(name, ())] for name, values in texts.items()
        }
        notation = notation_of(texts)
    finally:
        source.close()
    options = {
        "encoding": encoding,
        "sheet": sheet,
        "skip_rows": skip_rows,
        **({"missing": gone} if gone else {}),
    }
    source = open_source(table, notation.options(**options))
    try:
        looks = with_unread_dates(looks_of(source), texts)
        looks = without_twins(looks, source)
        customer = best(looks, "id")
        if customer is not None and customer.n >= LOOKED_AT:
            looks[looks.index(customer)] = repeats_of(customer, source)
        spans = are_spans(looks, source)
        return Seen(source.name, looks, notation, encoding, sheets, skip_rows, gone, spans=spans)
    finally:
        source.close()


def _skipped(table: Any, options: TableSection) -> SkipRows | None:
    """Lines of a file that are neither header nor customers; None where there are none."""
    if not isinstance(table, str | Path) or is_address(str(table)) or not str(table).strip():
        return None
    return likely_skip(find_files(str(table)), options) or None


def _sheets(table: Any) -> tuple[str, ...]:
    """Sheets of a workbook that has several, the one looked at first."""
    if not isinstance(table, str | Path) or Path(table).suffix.lower() not in WORKBOOKS:
        return ()
    sheets = sheets_of(Path(table)) if Path(table).is_file() else ()
    return sheets if len(sheets) > 1 else ()
