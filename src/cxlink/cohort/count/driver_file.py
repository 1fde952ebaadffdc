"""The file in which customers by all of their scores are kept: written, and read from anybody."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.driver_counts import (
    ANSWERED,
    BUCKET,
    SPEND_SUMS,
    WEIGHTS,
    WHOLE,
    DriverCounts,
    driver_names,
)
from cxlink.cohort.count.foreign_cells import read_limited
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column

_FORMAT = 1


def save_drivers(counts: DriverCounts, path: Path) -> None:
    """Write the table, with what else it says in the file's metadata."""
    about = {
        "format": _FORMAT,
        "horizon": counts.horizon,
        "merged": [list(one) for one in counts.merged],
        "answered": counts.answered.to_dict("records"),
        "left_out": list(counts.left_out),
    }
    table = pa.Table.from_pandas(counts.cells, preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"cxlink": json.dumps(about)}), path, compression="zstd")


def load_drivers(path: Path, spec: CohortSpec, *, clustered: bool = False) -> DriverCounts:
    """Read the table back.

    Parameters
    ----------
    path : Path
        The file.
    spec : CohortSpec
        Of the cohort.
    clustered : bool
        Whether the cohort's cells have buckets of clusters, as these then must.

    Raises
    ------
    InputError
        If it is not such as counting makes for the spec.
    """
    name = path.name
    try:
        table = read_limited(path, name)
        about = json.loads((table.schema.metadata or {})[b"cxlink"])
        if about["format"] != _FORMAT:
            raise InputError(
                f"{name}: format {about['format']}; this version reads {_FORMAT}. Fit the cohort again."
            )
        answered = pd.DataFrame(about["answered"], columns=list(ANSWERED))
        merged = tuple((str(score), int(classes)) for score, classes in about["merged"])
        cells, left_out = table.replace_schema_metadata(None).to_pandas(), tuple(map(str, about["left_out"]))
        counts = DriverCounts(cells, answered, int(about["horizon"]), merged, left_out)
        impossible = _impossible(counts, spec, clustered=clustered)
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException):
        raise InputError(f"{name}: not a table of drivers. Fit the cohort again.") from None
    if impossible:
        raise InputError(f"{name}: {impossible}, which counting never gives. Fit the cohort again.")
    return counts


def _impossible(counts: DriverCounts, spec: CohortSpec, *, clustered: bool) -> str:
    """What is wrong with a table that anybody may have made; empty where nothing is."""
    cells, scores = counts.cells, tuple(one for one in driver_names(spec) if one not in counts.left_out)
    strata = [stratum_column(variable) for variable in spec.stratum_variables]
    followed = ("retained", "lost", *WEIGHTS) if counts.horizon else ()
    amounts = ("spend_n", *SPEND_SUMS) if spec.spend is not None else ()
    buckets = (BUCKET,) if clustered else ()
    needed = [*scores, *strata, *buckets, "n", *followed, *amounts]
    if sorted(cells.columns) != sorted(needed):
        return "other columns than those of the spec"
    for column in needed:
        values = cells[column]
        if column in strata:
            if not values.map(lambda value: isinstance(value, str)).all():
                return f"{column} is not text"
            continue
        known = values.to_numpy(dtype=float)
        if not np.isfinite(known).all():
            return f"{column} is not finite"
        if column in WHOLE and ((known < 0) | (known != np.round(known))).any():
            return f"{column} is no number of customers"
        if column in WEIGHTS and (known < 0).any():
            return f"{column} is negative"
        if column in buckets and not np.isin(known, np.arange(BUCKETS)).all():
            return f"{column} is none of {BUCKETS}"
    scales = {MAIN: spec.scale, **{name: other.levels for name, other in spec.others.items()}}
    for name, scale in ((name, scales[name]) for name in scores):
        if not cells[name].between(scale.low, scale.high).all():
            return f"{name} leaves its scale"
    if counts.horizon < 0 or counts.horizon > spec.longest:
        return f"a horizon of {counts.horizon} periods"
    return _too_many(counts)


def _too_many(counts: DriverCounts) -> str:
    cells = counts.cells
    if "retained" in cells and (cells["retained"] + cells["lost"] > cells["n"]).any():
        return "more outcomes than customers"
    if "spend_n" in cells and (cells["spend_n"] > cells["n"]).any():
        return "more windows than customers"
    return ""
