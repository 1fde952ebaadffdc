"""Surveys by the calendar quarter in which they were answered, as groups of their own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.strata import stratum_column
from cxlink.groups.changed_scores import LEVEL, as_groups, as_strata

_PER_YEAR = 4


@dataclass(frozen=True, slots=True, eq=False)
class SurveyQuarters:
    """Surveys whose score is the place of their quarter, from 1.

    Attributes
    ----------
    quarters : tuple of str
        Every one from the first to the last with a survey, such as ``2024Q3``; a quarter may have none.
    counts : Counts
        The surveys.
    """

    quarters: tuple[str, ...]
    counts: Counts


def survey_quarters(
    counts: Counts, levels: Sequence[int], *, adjusted: bool = False
) -> SurveyQuarters | None:
    """Group the surveys of some levels of the score by quarter.

    Parameters
    ----------
    counts : Counts
        The cohort.
    levels : sequence of int
        Levels of the score.
    adjusted : bool
        Whether the level and what is adjusted for are strata; else there is none.

    Returns
    -------
    SurveyQuarters or None
        None where fewer than two quarters have a survey.
    """
    cells = counts.scored
    known = cells[cells["wave"] != ""]
    quarters = _from_first_to_last(known["wave"])
    inside = known[known["score"].isin(list(levels))]
    if inside["wave"].nunique() < len(("before", "after")):
        return None
    place = {quarter: at for at, quarter in enumerate(quarters, 1)}
    names = list(counts.spec.stratum_variables) if adjusted else []
    made = inside[
        ["score", *map(stratum_column, names), "entry", "exit", "cause", *_bucket(inside), "n"]
    ].copy()
    made["score"] = pd.array(inside["wave"].map(place).to_numpy(int), dtype="Int64")
    if adjusted:
        made.insert(1, stratum_column(LEVEL), as_strata(inside["score"]))
    spec = as_groups(counts.spec, (LEVEL, *names) if adjusted else ())
    score = spec.score.model_copy(update={"scale": f"1-{len(quarters)}", "best": (len(quarters),)})
    analysis = spec.analysis.model_copy(update={"contrasts": (f"{len(quarters)}:1",)})
    spec = spec.model_copy(update={"score": score, "analysis": analysis})
    return SurveyQuarters(quarters, replace(counts, cells=add_up(made.assign(wave="")), spec=spec))


def _bucket(cells: pd.DataFrame) -> list[str]:
    return ["bucket"] if "bucket" in cells else []


def _from_first_to_last(waves: pd.Series) -> tuple[str, ...]:
    """Quarters from the first to the last of some: those in which nobody answered as well."""
    if not len(waves):
        return ()
    first, last = (int(wave[:-2]) * _PER_YEAR + int(wave[-1]) - 1 for wave in (waves.min(), waves.max()))
    return tuple(f"{at // _PER_YEAR}Q{at % _PER_YEAR + 1}" for at in range(first, last + 1))
