"""Text files: their header, their delimiter, and their rows, which stay text until a rule has seen them."""

import codecs
import csv
import glob
import io
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.unpacked import opened
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
        If it is not text in the encoding given, or its first line is empty.
    """
    with opened(file) as stream:
        head = stream.read(_HEADER_BYTES)
    try:
        text = codecs.getincrementaldecoder(options.encoding)().decode(head)
    except UnicodeDecodeError:
        raise InputError(
            f"{file.name}: not {options.encoding} text. Set [table] encoding, such as latin-1."
        ) from None
    text = text.removeprefix("\ufeff")
    unquoted = re.sub(r'"[^"]*"', "", text)
    line = unquoted.splitlines()[0] if unquoted else ""
    # a mark that is in numbers too delimits only where no other does
    delimiter = options.delimiter or max(
        _DELIMITERS, key=lambda d: (d != options.decimal and line.count(d), line.count(d))
    )
    record = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    if not any(name.strip() for name in record):
        raise InputError(f"{file.name}: the first line is empty; it must name the columns.")
    return tuple(name or f"unnamed_{i}" for i, name in enumerate(record)), delimiter


def read_text(engine: Any, paths: list[str], header: Header, options: TableSection) -> Any:
    """Rows of UTF-8 files of one header, read by DuckDB."""
    names, delimiter = header
    return engine.read_csv(
        [glob.escape(path) for path in paths],
        columns=dict.fromkeys(names, "VARCHAR"), header=True, delim=delimiter, quote='"', escape='"',
        nullstr=list(options.missing_anywhere or [""]), auto_detect=False, strict_mode=True, hive_partitioning=False,
    )  # fmt: skip


def decoded(file: Path, header: Header, options: TableSection, wanted: Collection[str] | None) -> Any:
    """Text that the engine does not read, as an Arrow table of text."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    names, delimiter = header
    how = {
        "read_options": arrow_csv.ReadOptions(encoding=options.encoding, use_threads=False),
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
