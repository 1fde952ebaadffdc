"""The file of customers by several scores: their cells and how they were made; written, and read from anybody."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlink.cohort.count.foreign_cells import read_limited
from cxlink.cohort.errors import InputError

_FORMAT = 1


class CellsOfScores(Protocol):
    """Cells by several scores, and what was done to have no more of them."""

    @property
    def cells(self) -> pd.DataFrame:
        """A row a cell."""

    @property
    def horizon(self) -> int:
        """In periods."""

    @property
    def merged(self) -> tuple[tuple[str, int], ...]:
        """Scores whose adjacent levels were merged, and the number of classes that are left."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Scores that are not among them."""


def save_joint(counts: CellsOfScores, path: Path, **more: Any) -> None:
    """Write cells, with what else is known of them, and what more is given, in the file's metadata."""
    about = {
        "format": _FORMAT,
        "horizon": counts.horizon,
        "merged": [list(one) for one in counts.merged],
        "left_out": list(counts.left_out),
        **more,
    }
    table = pa.Table.from_pandas(counts.cells, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"cxlink": json.dumps(about)}), path, compression="zstd")


def load_joint[T](
    path: Path,
    what: str,
    made: Callable[[dict[str, Any], Mapping[str, Any]], T],
    impossible: Callable[[T], str],
) -> T:
    """Read a file of `save_joint` back.

    Parameters
    ----------
    path : Path
        The file.
    what : str
        What it is a table of.
    made : callable
        Makes counts of the attributes of `CellsOfScores`, and of all that the metadata says.
    impossible : callable
        What is wrong with counts that anybody may have made; empty where nothing is.

    Raises
    ------
    InputError
        If it is not such as counting makes.
    """
    name = path.name
    try:
        table = read_limited(path, name)
        about = json.loads((table.schema.metadata or {})[b"cxlink"])
        if about["format"] != _FORMAT:
            raise InputError(
                f"{name}: format {about['format']}; this version reads {_FORMAT}. Fit the cohort again."
            )
        shared = {
            "cells": table.replace_schema_metadata(None).to_pandas(),
            "horizon": int(about["horizon"]),
            "merged": tuple((str(score), int(classes)) for score, classes in about["merged"]),
            "left_out": tuple(map(str, about["left_out"])),
        }
        counts = made(shared, about)
        why = impossible(counts)
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException):
        raise InputError(f"{name}: not a table of {what}. Fit the cohort again.") from None
    if why:
        raise InputError(f"{name}: {why}, which counting never gives. Fit the cohort again.")
    return counts
