"""Tables beside that of the customers: contacts, and surveys in a table of their own."""

import csv
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq

from validation.fuzz.stored import Columns, Stored, arrow_of, missing_of, typed
from validation.fuzz.text_writers import as_text


def stored_beside(
    case: Any, stored: Stored, folder: Path, columns: Columns, name: str
) -> tuple[str, Columns]:
    """Store a second table as Parquet, or as text that is read by the same keys as the first.

    Parameters
    ----------
    case : Case
        Of which it is.
    stored : Stored
        The table of customers.
    folder : Path
        Where it is stored.
    columns : dict of str to list
        Cells by column.
    name : str
        Of the file, without its ending.

    Returns
    -------
    path : str
        As the spec names it: without its folder where the first table is a file there.
    stands : dict of str to list
        Cells as they stand there.
    """
    random = Random(f"{name} of {case.seed}")
    keys = {**case.spec.get("table", {}), **stored.keys}
    plain = all(part.isalnum() for column in columns for part in column.replace(" ", "").split("_"))
    if plain and not case.spoilt and random.random() < 0.5:
        path, text = folder / f"{name}.csv", _text(columns, keys, random)
        encoding, delimiter = keys.get("encoding", "utf-8"), keys.get("delimiter", random.choice(",;\t"))
        text = {
            one: [cell.encode(encoding, "replace").decode(encoding) for cell in cells]
            for one, cells in text.items()
        }
        with path.open("w", encoding=encoding, newline="") as stream:
            writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
            writer.writerow(text)
            writer.writerows(zip(*text.values(), strict=True))
        missing = missing_of(keys)
        stands = {one: [None if cell in missing else cell for cell in cells] for one, cells in text.items()}
    else:
        path, stands = folder / f"{name}.parquet", typed(columns)
        pq.write_table(arrow_of(stands), path)
    beside = isinstance(stored.table, Path) and not stored.table.is_dir()
    return path.name if beside else str(path), stands


def _text(columns: Columns, keys: dict[str, Any], random: Random) -> dict[str, list[str]]:
    return {name: [as_text(cell, keys, random) for cell in cells] for name, cells in columns.items()}
