"""What an engine says of a table that it cannot read, in a clause of one line, without folders."""

import os
import re
from pathlib import Path


def complaint(error: Exception, files: tuple[Path, ...]) -> str:
    """Say in a clause of one line what an engine's error says, without folders."""
    text = str(error)
    if "Invalid unicode" in text:
        return "not utf-8 text. Set [table] encoding, such as latin-1"
    line = re.search(r"CSV Error on Line: (\d+)|CSV parse error: Row #(\d+)", text)
    if line is not None:
        return _about_row(int(line[1] or line[2]) - 1, text, several=len(files) > 1)
    if "CSV Parser state machine" in text:
        return "its lines end in different ways, or a quote is out of place. Save it as CSV again"
    if error.__class__.__name__ == "OperationNotDefinedError":
        return (
            "this engine cannot do what reading text needs. Give numbers and dates in types of their own, or a "
            "Parquet file of the table"
        )
    reason = reason_of(error)
    for file in files:
        reason = reason.replace(str(file.absolute()), file.name).replace(str(file), file.name)
    return f"cannot be read ({reason})"


def _about_row(row: int, text: str, several: bool) -> str:
    """What is wrong with a row of a text file."""
    fields = re.search(r"Expected (?:Number of Columns: )?(\d+)(?: columns, got| Found:) (\d+)", text)
    what = f"has {fields[2]} values for {fields[1]} columns" if fields else "cannot be read"
    if "unterminated quote" in text:
        what = "opens a quote that nothing closes"
    file = re.search(r"^\s*file = (.*)$", text, re.MULTILINE)
    where = f" of {Path(file[1].strip()).name}" if several and file else ""
    return f"row {row:,}{where} {what}. Correct it, or set [table] delimiter"


def reason_of(error: Exception) -> str:
    """Give the first line of an error, or what the system says of it."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else error.__class__.__name__)[:200].rstrip(".")
