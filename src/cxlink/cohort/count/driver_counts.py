"""The second table of a cohort with several scores: customers by all of them, with the outcome at the horizon."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlink.cohort.count.foreign_cells import read_limited
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column

WHOLE = ("n", "retained", "lost", "spend_n")
WEIGHTS = ("retained_weight", "retained_weight_sq", "lost_weight", "lost_weight_sq")
SPEND_SUMS = ("spend_sum", "spend_sum_sq")
MOST_JOINT = 200_000
"""Joint cells of all scores and strata; with more, levels of the scores are merged."""
_ANSWERED = ("score", "given", "n", "retained", "lost", "retained_weight", "lost_weight")
_FORMAT = 1
_TELLS = 10
"""Customers of one outcome who did not give a score, of whom none gave it, from which the score is known after it."""


@dataclass(frozen=True, slots=True)
class DriverCounts:
    """Customers who gave every score, by all scores and strata, without exits.

    Attributes
    ----------
    cells : DataFrame, one row a cell, sorted
        A column of each score (``score`` and the names of the others; the level, or the mean level of those merged),
        ``stratum.*``, ``n``; with a subscription ``retained`` and ``lost`` (known to be so at the horizon), and of both
        the sums of w and of w², w the inverse of the probability that the outcome could have been observed; with spend
        ``spend_n`` (complete windows), ``spend_sum``, ``spend_sum_sq``.
    answered : DataFrame
        ``score, given, n, retained, lost, retained_weight, lost_weight``: of each further score the customers with the
        score who gave it, and those who did not.
    horizon : int
        Periods after which retention is looked at; 0 where nobody could be followed so far, or nothing is followed.
    merged : tuple of (str, int)
        Scores whose adjacent levels were merged, and the number of classes that are left.
    left_out : tuple of str
        Further scores that only those retained gave, or only those lost: known after the outcome, and not compared.
    """

    cells: pd.DataFrame
    answered: pd.DataFrame
    horizon: int = 0
    merged: tuple[tuple[str, int], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[str, ...]:
        """Names of the scores that are compared, in the order of the cells' columns."""
        names = {MAIN, *self.answered["score"]} - set(self.left_out)
        return tuple(name for name in self.cells.columns if name in names)


def driver_names(spec: CohortSpec) -> tuple[str, ...]:
    """Names of all scores: ``score``, and those of ``[score] others``."""
    return (MAIN, *spec.others)


def add_drivers(first: DriverCounts | None, second: DriverCounts | None) -> DriverCounts | None:
    """Pool two tables, exactly; None where their scores, horizons or levels differ."""
    if first is None or second is None or list(first.cells.columns) != list(second.cells.columns):
        return None
    same = first.horizon == second.horizon and first.left_out == second.left_out
    if not same or first.merged or second.merged:
        return None
    keys = [name for name in first.cells.columns if name not in (*WHOLE, *WEIGHTS, *SPEND_SUMS)]
    cells = pd.concat([first.cells, second.cells]).groupby(keys, sort=True, as_index=False).sum()
    answered = pd.concat([first.answered, second.answered])
    answered = answered.groupby(["score", "given"], sort=False, as_index=False).sum()
    return DriverCounts(cells, answered, first.horizon, left_out=first.left_out)


def joint(
    cells: pd.DataFrame, scores: Sequence[str], strata: Sequence[str], most: int = MOST_JOINT
) -> DriverCounts:
    """Add equal cells up, with adjacent levels merged where there are too many joint cells.

    While there are more than ``most``, the levels of the score that has most are merged two by two, from the lowest.

    Parameters
    ----------
    cells : DataFrame
        With the columns of `DriverCounts.cells`, in any number of rows a cell.
    scores, strata : sequence of str
        Its keys.
    most : int
        Joint cells that are kept.

    Raises
    ------
    InputError
        If there are still too many once each score has two classes.

    Returns
    -------
    DriverCounts
        Without `DriverCounts.answered`.
    """
    codes, levels = cells.copy(), {}
    for name in scores:
        codes[name], values = pd.factorize(cells[name], sort=True)
        levels[name] = len(values)
    sums = [name for name in cells.columns if name not in (*scores, *strata)]
    level_sums = {name: cells[name] * cells["n"] for name in scores}
    codes = codes.assign(**{f"sum.{name}": total for name, total in level_sums.items()})
    merged: dict[str, int] = {}
    while len(added := codes.groupby([*scores, *strata], sort=True, as_index=False).sum()) > most:
        widest = max(scores, key=lambda name: levels[name])
        if levels[widest] <= 2:
            raise InputError(
                f"more than {most:,} joint cells of scores and strata. Name fewer [score] others, or adjust for fewer "
                "or coarser columns."
            )
        codes[widest] //= 2
        levels[widest] = merged[widest] = (levels[widest] + 1) // 2
    for name in scores:
        by_class = added[added[name] >= 0].groupby(name)[[f"sum.{name}", "n"]].sum()  # -1: not given
        added[name] = added[name].map(by_class[f"sum.{name}"] / by_class["n"]).astype(float)
    return DriverCounts(added[[*scores, *strata, *sums]], nobody_answered(), merged=tuple(merged.items()))


def after_outcome(answered: pd.DataFrame) -> tuple[str, ...]:
    """Name the scores that only those retained gave, or only those lost, where ten or more of the others did not."""
    names = []
    for name, own in answered.groupby("score", sort=False):
        given, lacking = own[own["given"]].sum(), own[~own["given"]].sum()
        told = [given[kind] == 0 and lacking[kind] >= _TELLS for kind in ("retained", "lost")]
        if given["n"] > 0 and any(told):
            names.append(str(name))
    return tuple(names)


def nobody_answered() -> pd.DataFrame:
    """Give the table of who answered, without a row."""
    return pd.DataFrame(columns=list(_ANSWERED))


def is_discreet(counts: DriverCounts, smallest: int) -> bool:
    """Whether no cell, and nobody's outcome in one, is of fewer customers than ``smallest``."""
    cells, answered = counts.cells, counts.answered
    sizes = [cells["n"], answered["n"], cells["n"].sum()]
    if "retained" in cells:
        known = [(table["retained"], table["lost"]) for table in (cells, answered)]
        sizes += [size for pair in known for size in pair]
        sizes += [table["n"] - table["retained"] - table["lost"] for table in (cells, answered)]
    if "spend_n" in cells:
        sizes += [cells["spend_n"], cells["n"] - cells["spend_n"]]
    every = np.concatenate([np.atleast_1d(np.asarray(size, float)) for size in sizes])
    return not bool(((every > 0) & (every < smallest)).any())


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


def load_drivers(path: Path, spec: CohortSpec) -> DriverCounts:
    """Read the table back.

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
        answered = pd.DataFrame(about["answered"], columns=list(_ANSWERED))
        merged = tuple((str(score), int(classes)) for score, classes in about["merged"])
        cells, left_out = table.replace_schema_metadata(None).to_pandas(), tuple(map(str, about["left_out"]))
        counts = DriverCounts(cells, answered, int(about["horizon"]), merged, left_out)
        impossible = _impossible(counts, spec)
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException):
        raise InputError(f"{name}: not a table of drivers. Fit the cohort again.") from None
    if impossible:
        raise InputError(f"{name}: {impossible}, which counting never gives. Fit the cohort again.")
    return counts


def _impossible(counts: DriverCounts, spec: CohortSpec) -> str:
    """What is wrong with a table that anybody may have made; empty where nothing is."""
    cells, scores = counts.cells, tuple(one for one in driver_names(spec) if one not in counts.left_out)
    strata = [stratum_column(variable) for variable in spec.stratum_variables]
    followed = ("retained", "lost", *WEIGHTS) if counts.horizon else ()
    amounts = ("spend_n", *SPEND_SUMS) if spec.spend is not None else ()
    needed = [*scores, *strata, "n", *followed, *amounts]
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
