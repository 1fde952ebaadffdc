"""What an engine says is wrong, in a clause of one line, without folders or addresses."""

import os
import re
from pathlib import Path

from cxlink.cohort.addresses import tells

_LACKS = re.compile(
    r"invalid input syntax for type|field value out of range|function try_strptime|routine `try_strptime`",
    re.IGNORECASE,
)
"""What Postgres says where text that is read as numbers or dates holds anything else, or dates of a format, which
Spark lacks too."""

_REFUSALS = (
    (
        r"password|authenticat|access denied|credential|role \"[^\"]*\" does not exist",
        "the user or the password is refused",
    ),
    (r"database \"[^\"]*\" does not exist", "no such database"),
    (r"PATH_NOT_FOUND|TABLE_OR_VIEW_NOT_FOUND|SCHEMA_NOT_FOUND", "no such table"),
    (
        r"connection refused|resolve|could not translate|name or service|timeout expired|timed out|UNAVAILABLE",
        "no server answers there",
    ),
    (r"Don't know how to connect|Could not parse Master URL", "no engine of that kind"),
    (r"JAVA_GATEWAY_EXITED", "no Java starts here: install a Java runtime, 17 or later"),
)
"""What engines say of an address that they do not open, and what is said of it."""


_INTERRUPTED = re.compile(r"^(Query interrupted|INTERRUPT Error)")
"""What DuckDB raises in place of the exception of a signal that came while it worked."""


def why_not(error: Exception, address: str) -> str:
    """Why an address cannot be opened, without any part of it."""
    from ibis.common.exceptions import TableNotFound

    _pass_on_interruption(error)
    if isinstance(error, TableNotFound):
        return "no such table"
    if isinstance(error, ImportError) and (error.name or "").isidentifier():
        return f"its driver {error.name} is not installed"
    text = str(error)
    known = (why for pattern, why in _REFUSALS if re.search(pattern, text, re.IGNORECASE))
    return next(known, None) or _told_safely(error, address)


def _told_safely(error: Exception, address: str) -> str:
    """What an engine says; where that tells any of its address, the kind of its error alone."""
    said = _reason(error)
    return error.__class__.__name__ if address and tells(said, address) else said


def complaint(error: Exception, files: tuple[Path, ...], address: str = "", above: int = 0) -> str:
    """What an engine's error says, in a clause of one line, without folders; ``above`` the header stand other lines.

    Raises
    ------
    KeyboardInterrupt
        If it says that a signal ended its work.
    """
    _pass_on_interruption(error)
    text = str(error)
    if "Invalid unicode" in text:
        return "not utf-8 text. Set [table] encoding, such as latin-1"
    line = re.search(r"CSV Error on Line: (\d+)|CSV parse error: Row #(\d+)", text)
    if line is not None:
        return _about_row(int(line[1] or line[2]) - 1 - above, text, several=len(files) > 1)
    if "CSV Parser state machine" in text:
        return "its lines end in different ways, or a quote is out of place. Save it as CSV again"
    if error.__class__.__name__ == "OperationNotDefinedError" or _LACKS.search(text):
        return (
            "this engine cannot do what reading text needs. Give numbers and dates in types of their own, or a "
            "Parquet file of the table"
        )
    reason = _told_safely(error, address)
    for file in files:
        reason = reason.replace(str(file.absolute()), file.name).replace(str(file), file.name)
    return f"cannot be read ({reason})"


def _pass_on_interruption(error: Exception) -> None:
    if _INTERRUPTED.match(str(error)):
        raise KeyboardInterrupt from None


def _about_row(row: int, text: str, several: bool) -> str:
    """What is wrong with a row of a text file."""
    fields = re.search(r"Expected (?:Number of Columns: )?(\d+)(?: columns, got| Found:) (\d+)", text)
    what = f"has {fields[2]} values for {fields[1]} columns" if fields else "cannot be read"
    if "unterminated quote" in text:
        what = "opens a quote that nothing closes"
    file = re.search(r"^\s*file = (.*)$", text, re.MULTILINE)
    where = f" of {Path(file[1].strip()).name}" if several and file else ""
    return f"row {row:,}{where} {what}. Correct it, delete it if it is a note below the table, or set [table] delimiter"


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else error.__class__.__name__)[:200].rstrip(".")
