"""The file in which customers by all of their scores are kept: written, and read from anybody."""

from pathlib import Path

import numpy as np
import pandas as pd

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
from cxlink.cohort.count.joint_file import load_joint, save_joint
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column


def save_drivers(counts: DriverCounts, path: Path) -> None:
    """Write the table, with what else it says in the file's metadata."""
    save_joint(counts, path, answered=counts.answered.to_dict("records"))


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
    return load_joint(
        path,
        "drivers",
        lambda shared, about: DriverCounts(
            **shared, answered=pd.DataFrame(about["answered"], columns=list(ANSWERED))
        ),
        lambda counts: _impossible(counts, spec, clustered=clustered),
    )


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
