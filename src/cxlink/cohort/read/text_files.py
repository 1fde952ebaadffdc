"""Text files: their header, their delimiter, and their rows, which stay text until a rule has seen them."""

import codecs
import csv
import glob
import io
import re
from collections.abc import Collection, Sequence
from itertools import islice
from pathlib import Path
from statistics import median, mode
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.header_place import LOOKED_AT, refuse_unsaid, rows_to_skip, way_to_header
from cxlink.cohort.read.unpacked import opened
from cxlink.cohort.spec.skipped_rows import SkipRows
from cxlink.cohort.spec.spec_sections import TableSection

_DELIMITERS = ",;\t|"
_HEADER_BYTES = 1 << 20

Header = tuple[tuple[str, ...], str]
"""Names of the columns, and the delimiter of a text file."""


def text_header(file: Path, options: TableSection) -> Header:
    """Names in the first record of a text file, and its delimiter: the given one, else the commonest there.

    Raises
    ------
    InputError
        If it is not text in the encoding given, its first line is empty, or names no columns as those below it do.
    """
    text = _head(file, options)
    if options.skip_rows is None:
        refuse_unsaid(file.name, _skip_in(text, options))
    lines, (n, _) = list(io.StringIO(text, newline="")), options.around_header
    if any(line.count('"') % 2 for line in lines[:n]):  # engines do not count such lines alike
        raise InputError(
            f"{file.name}: a quote above the header goes on in the next line. Delete these lines."
        )
    below = "".join(lines[n:])
    delimiter = _delimiter(_unquoted(below), options)
    record = next(csv.reader(io.StringIO(below, newline=""), delimiter=delimiter), [])
    if not any(name.strip() for name in record):
        raise InputError(f"{file.name}: {_nameless(len(lines), n)}{_way(text, options)}")
    return tuple(named(record)), delimiter


def _nameless(n_lines: int, above: int) -> str:
    """What is wrong with a line that names no columns."""
    if not above:
        return "the first line is empty; it must name the columns."
    what = f"line {above + 1:,} is empty" if above < n_lines else f"there are {n_lines:,} lines"
    return f"{what}, and [table] skip_rows leaves line {above + 1:,} to name the columns."


def _way(text: str, options: TableSection) -> str:
    likely = _skip_in(text, options)
    said = options.skip_rows or 0
    return f" {way_to_header(said, likely)}" if likely or said else ""


def skip_in_text(file: Path, options: TableSection) -> SkipRows:
    """Lines of a text file that are neither the one that names its columns nor customers.

    Raises
    ------
    InputError
        If it is not text in the encoding given.
    """
    return _skip_in(_head(file, options), options)


def _skip_in(text: str, options: TableSection) -> SkipRows:
    records, ends = _records(text, _delimiter(_unquoted(text), options))
    widths = [len(record) for record in records if record]
    if not widths:
        return 0
    if len(records[0]) < 2 or len(records[0]) != mode(widths):
        # a title need not hold the mark that delimits the columns, and may hold another
        marks = _DELIMITERS if options.delimiter is None else options.delimiter
        several = [_records(text, mark) for mark in marks]
        records, ends = max(several, key=lambda read: median(len(record) for record in read[0]))
    skip = rows_to_skip(records)
    return ends[skip] if isinstance(skip, int) else skip


def _records(text: str, delimiter: str) -> tuple[list[list[str]], list[int]]:
    """The first records, and how many lines stand above each."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    records, ends = [], [0]
    for record in islice(reader, LOOKED_AT):
        records.append(record)
        ends.append(reader.line_num)
    return records, ends


def _delimiter(line: str, options: TableSection) -> str:
    # a mark that is in numbers too delimits only where no other does
    return options.delimiter or max(
        _DELIMITERS, key=lambda d: (d != options.decimal and line.count(d), line.count(d))
    )


def _unquoted(text: str) -> str:
    """The first line, without what stands in quotes."""
    return next(iter(re.sub(r'"[^"]*"', "", text).splitlines()), "")


def _head(file: Path, options: TableSection) -> str:
    """The beginning of a text file."""
    with opened(file) as stream:
        head = stream.read(_HEADER_BYTES)
    try:
        text = codecs.getincrementaldecoder(options.encoding)().decode(head)
    except UnicodeDecodeError:
        raise InputError(
            f"{file.name}: not {options.encoding} text. Set [table] encoding, such as latin-1."
        ) from None
    return text.removeprefix("\ufeff")


def named(columns: Sequence[str]) -> list[str]:
    """Names of columns, those without one by their place: engines take no empty name."""
    return [name or f"unnamed_{i}" for i, name in enumerate(columns)]


def read_text(engine: Any, paths: list[str], header: Header, options: TableSection) -> Any:
    """Rows of UTF-8 files of one header, read by DuckDB."""
    names, delimiter = header
    above, below = options.around_header
    return engine.read_csv(
        [glob.escape(path) for path in paths],
        columns=dict.fromkeys(names, "VARCHAR"), header=not below, delim=delimiter, quote='"', escape='"',
        nullstr=list(options.missing_anywhere or [""]), auto_detect=False, strict_mode=True, hive_partitioning=False,
        skip=above + 1 + below if below else above,
    )  # fmt: skip


def decoded(file: Path, header: Header, options: TableSection, wanted: Collection[str] | None) -> Any:
    """Text that the engine does not read, as an Arrow table of text."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names, delimiter = header
    above, below = options.around_header
    skipped: dict[str, Any] = {"skip_rows": above}
    if below:
        _, ends = _records("".join(list(io.StringIO(_head(file, options), newline=""))[above:]), delimiter)
        skipped = {"skip_rows": above + ends[min(1 + below, len(ends) - 1)], "column_names": names}
    how = {
        "read_options": arrow_csv.ReadOptions(encoding=options.encoding, use_threads=False, **skipped),
        "parse_options": arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=list(options.missing_anywhere),
            strings_can_be_null=True,
        ),
    }
    with opened(file) as stream:
        table = arrow_csv.read_csv(stream, **how)
    table = table.rename_columns(names)
    return table.select([name for name in names if wanted is None or name in wanted])
