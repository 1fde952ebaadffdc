"""The third table of a cohort with several scores: customers by all of them, with entry, exit and whether lost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxlink.cohort.count.driver_counts import MOST_JOINT, DriverCounts, joint
from cxlink.cohort.count.joint_file import load_joint
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.other_scores import MAIN
from cxlink.cohort.strata import stratum_column

TIMES = ("entry", "exit", "lost")
MOST_TERMS = 4_000_000
"""Numbers of an array over customers alike in every score and stratum, by period: what 32 megabytes hold."""


@dataclass(frozen=True, slots=True)
class FollowUpCounts:
    """Customers with a score, by all of their scores, strata and times.

    Attributes
    ----------
    cells : DataFrame, one row a cell, sorted
        A column of each further score (the level, or the mean level of those merged; empty: not given), ``score``,
        ``stratum.*``, ``entry``, ``exit`` (whole periods), ``lost`` (1, or 0), ``n``. No row where there are too many
        cells, whatever levels are merged.
    horizon : int
        Where time starts at the survey, who is there longer is retained at this exit.
    merged : tuple of (str, int)
        Scores whose adjacent levels were merged, and the number of classes that are left.
    left_out : tuple of str
        Further scores that only those retained gave, or only those lost: known after the outcome.
    """

    cells: pd.DataFrame
    horizon: int
    merged: tuple[tuple[str, int], ...] = ()
    left_out: tuple[str, ...] = ()

    def others(self, spec: CohortSpec) -> tuple[str, ...]:
        """Names of the further scores that it holds."""
        return tuple(name for name in spec.others if name not in self.left_out)


def follow_up_table(
    cells: pd.DataFrame, spec: CohortSpec, horizon: int, left_out: tuple[str, ...] = ()
) -> FollowUpCounts:
    """Make the table of cells, with adjacent levels of the further scores merged where there are too many.

    The levels of the further score that has most are merged two by two, from the lowest, until there are at most
    200,000 cells, and `MOST_TERMS` of levels, strata and periods.

    Parameters
    ----------
    cells : DataFrame
        With the columns of `FollowUpCounts.cells`, in any number of rows a cell.
    spec : CohortSpec
        Of the cohort.
    horizon : int
        In periods.
    left_out : tuple of str
        Further scores that are not among them.
    """
    empty = FollowUpCounts(cells[:0].reset_index(drop=True), horizon, left_out=left_out)
    others, keys, most = list(empty.others(spec)), _keys(spec), MOST_JOINT
    while others and len(cells):
        try:
            made = joint(cells, others, keys, most)
        except InputError:
            break
        if _terms(made, others, keys) <= MOST_TERMS:
            return replace(empty, cells=made.cells, merged=made.merged)
        most = len(made.cells) - 1
    return empty


def _keys(spec: CohortSpec) -> list[str]:
    return [MAIN, *(stratum_column(name) for name in spec.stratum_variables), *TIMES]


def _terms(made: DriverCounts, others: Sequence[str], keys: Sequence[str]) -> int:
    """The larger of two arrays by period: of every combination of levels and strata, and of those there are."""
    pair = [name for name in keys if name not in TIMES]
    counted = [
        made.cells[list(names)].drop_duplicates() for names in (others, pair, (*others, *pair, "entry"))
    ]
    levels, pairs, together = (len(one) for one in counted)
    return max(levels * pairs, together) * int(made.cells["exit"].max())


def add_follow_up(
    first: FollowUpCounts | None, second: FollowUpCounts | None, spec: CohortSpec
) -> FollowUpCounts | None:
    """Pool two tables; None where their scores or horizons differ, or levels of one were merged."""
    if first is None or second is None or list(first.cells.columns) != list(second.cells.columns):
        return None
    same = first.horizon == second.horizon and first.left_out == second.left_out
    if not same or first.merged or second.merged or not (len(first.cells) and len(second.cells)):
        return None
    cells = pd.concat([first.cells, second.cells], ignore_index=True)
    return follow_up_table(cells, spec, first.horizon, first.left_out)


def has_no_small_cell(counts: FollowUpCounts, smallest: int) -> bool:
    """Whether no cell is of fewer customers than ``smallest``."""
    return not bool((counts.cells["n"] < smallest).any())


def load_follow_up(path: Path, spec: CohortSpec) -> FollowUpCounts:
    """Read the table back.

    Raises
    ------
    InputError
        If it is not such as counting makes for the spec.
    """
    return load_joint(
        path,
        "follow-up",
        lambda shared, _: FollowUpCounts(**shared),
        lambda counts: _impossible(counts, spec),
    )


def _impossible(counts: FollowUpCounts, spec: CohortSpec) -> str:
    """What is wrong with a table that anybody may have made; empty where nothing is."""
    cells, others, keys = counts.cells, counts.others(spec), _keys(spec)
    if sorted(cells.columns) != sorted([*others, *keys, "n"]):
        return "other columns than those of the spec"
    for name in (name for name in keys if name not in (MAIN, *TIMES)):
        if not cells[name].map(lambda value: isinstance(value, str)).all():
            return f"{name} is not text"
    for name in (MAIN, *TIMES, "n"):
        known = cells[name].to_numpy(dtype=float)
        negative = name != MAIN and (known < 0).any()
        if not np.isfinite(known).all() or (known != np.round(known)).any() or negative:
            return f"{name} is no whole number" if name != "n" else "n is no number of customers"
    scales = {MAIN: spec.scale, **{name: spec.others[name].levels for name in others}}
    for name, scale in scales.items():
        if not cells[name].dropna().astype(float).between(scale.low, scale.high).all():
            return f"{name} leaves its scale"
    longest = spec.longest
    if not 0 < counts.horizon <= longest or (cells["exit"] > longest).any() or (cells["lost"] > 1).any():
        return "times beyond those of a cohort"
    if len(cells) > MOST_JOINT or (len(cells) and _terms_of(counts, others, keys) > MOST_TERMS):
        return "more cells than are kept"
    return "" if (cells["entry"] < cells["exit"]).all() and (cells["n"] > 0).all() else "nobody at risk"


def _terms_of(counts: FollowUpCounts, others: Sequence[str], keys: Sequence[str]) -> int:
    return _terms(DriverCounts(counts.cells, pd.DataFrame()), others, keys)
