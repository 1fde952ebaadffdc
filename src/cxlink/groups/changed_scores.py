"""Customers whose score fell, stayed or rose since the survey before, as groups of their own.

A change is set against two groups: those whose score stayed where this one was (what the present score says beyond the
last), and those who stayed where this one is now (what the change says beyond the present score). Either is a
comparison of two groups within levels, standardised to the customers whose score changed, so that it is an average over
the cohort's own pairs of scores.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.mix import mix_of
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.spec.cohort_spec import PREVIOUS_SCORE, TENURE_AT_SURVEY, CohortSpec
from cxlink.cohort.spec.spec_sections import AdjustSection
from cxlink.cohort.strata import stratum_column
from cxlink.groups.support import reaches

Move = Literal["fall", "rise"]
Beside = Literal["last", "present"]
CHANGED, STAYED = 1, 2
"""Levels of the two groups compared."""
CONTRAST = (str(CHANGED), str(STAYED))
LEVEL = "(level)"
"""The adjustment variable of the level in which they are compared; no column of a table is called so."""
NAMES: dict[Move, str] = {"fall": "fell", "rise": "rose"}


@dataclass(frozen=True, slots=True, eq=False)
class ChangedScores:
    """Two groups of surveys after the first: scores that changed in one direction, and scores that stayed.

    Attributes
    ----------
    move : {"fall", "rise"}
        To a worse score, or to a better one.
    beside : {"last", "present"}
        The level within which they are compared: the score before, or the score now.
    counts : Counts
        Surveys of score `CHANGED` and `STAYED`, with the level and what else is adjusted for as strata.
    spells : Spells
        The same; the standard population is the surveys whose score changed.
    """

    move: Move
    beside: Beside
    counts: Counts
    spells: Spells

    @property
    def scenario(self) -> str:
        """As the column of that name has it: ``fall_given_present``."""
        return f"{self.move}_given_{self.beside}"

    def supported(self, horizon: int) -> tuple["ChangedScores | None", float]:
        """Keep the levels and strata in which curves of both groups can be compared up to a horizon.

        Both have somebody at risk to it, or lost all before, and customers of two buckets of clusters or more: of one
        bucket alone a curve has no error.

        Returns
        -------
        ChangedScores or None
            None where none is left.
        share : float
            Of the changed scores that are in them.
        """
        spells, n_strata = self.spells, len(self.spells.strata)
        fit = reaches(spells, horizon)[:, 0]
        both = np.bincount(spells.stratum[fit], minlength=n_strata) == len(CONTRAST)
        inside = both[spells.stratum[spells.pair]]
        n = np.where(spells.level[spells.pair] == 0, spells.n, 0)
        share = float(n[inside].sum() / n.sum())
        if not both.any():
            return None, share
        strata = spells.strata[both]
        cells = self.counts.cells.merge(strata, on=list(strata.columns))[self.counts.cells.columns]
        counts = replace(self.counts, cells=cells)
        return replace(self, counts=counts, spells=_to_the_changed(counts)), share

    @property
    def names(self) -> dict[str, str]:
        """Names of the groups in the estimates table."""
        return dict(zip(CONTRAST, (NAMES[self.move], "stayed"), strict=True))


def moves(cells: pd.DataFrame, spec: CohortSpec) -> np.ndarray:
    """Give −1 where a score is worse than the one before, 1 where it is better, 0 where it is the same.

    Parameters
    ----------
    cells : DataFrame
        With ``score`` and ``previous``, both known.
    spec : CohortSpec
        Says which end of the scale is better.
    """
    change = np.sign(cells["score"].to_numpy(float) - cells["previous"].to_numpy(float))
    better: np.ndarray = change.astype(int) if spec.score.higher_is_better else -change.astype(int)
    return better


def repeated(counts: Counts) -> pd.DataFrame:
    """Cells of surveys after the first; none where every customer has one."""
    scored = counts.scored
    return scored[scored["previous"].notna()] if "previous" in scored else scored[:0]


def of_first_surveys(counts: Counts) -> Counts:
    """Keep each customer's first survey, and those who answered none; all of a cohort with one survey a customer.

    What is added up over customers, such as their lifetime value, counts each of them once.
    """
    if not counts.spec.every_survey:
        return counts
    first = counts.cells[counts.cells["previous"].isna()]
    return replace(counts, cells=first.reset_index(drop=True))


def changed_scores(counts: Counts, asked: Sequence[Move] = ("fall", "rise")) -> Iterator[ChangedScores]:
    """Set the scores that fell, and those that rose, against those that stayed; nothing where either has nobody.

    Parameters
    ----------
    counts : Counts
        Of a cohort whose surveys all count.
    asked : sequence of {"fall", "rise"}
        Which changes.
    """
    cells = repeated(counts)
    move = moves(cells, counts.spec)
    for name, sign in (("fall", -1), ("rise", 1)):
        if name not in asked or not {0, sign} <= set(move):
            continue
        inside = cells[(move == 0) | (move == sign)]
        group = np.where(moves(inside, counts.spec) == 0, STAYED, CHANGED)
        for beside, column in (("last", "previous"), ("present", "score")):
            compared = _compared(counts, inside, group, as_strata(inside[column]))
            yield ChangedScores(name, beside, compared, _to_the_changed(compared))  # type: ignore[arg-type]


def _compared(counts: Counts, cells: pd.DataFrame, group: np.ndarray, level: pd.Series) -> Counts:
    """The two groups as two levels of a score, with the level of the scale as a stratum."""
    gone = [stratum_column(PREVIOUS_SCORE), "previous"]
    strata = [name for name in counts.spec.stratum_variables if name != PREVIOUS_SCORE]
    made = cells.drop(columns=gone)
    made["score"] = pd.array(group, dtype="Int64")
    made.insert(1, stratum_column(LEVEL), level)
    return replace(counts, cells=add_up(made), spec=as_groups(counts.spec, (LEVEL, *strata)))


def as_strata(levels: pd.Series) -> pd.Series:
    """Levels of the score as categories of a stratum variable: text."""
    whole = levels.astype(int)
    return whole.map({level: str(level) for level in whole.unique()})


def rivals(counts: Counts) -> dict[str, Counts]:
    """Describe surveys after the first by their score, by its change, and by both the score and the one before.

    Returns
    -------
    dict of str to Counts
        ``level``; ``change``: whether it fell, stayed or rose; ``both``: the score, with the one before as a stratum.
        Nothing else is adjusted for. Empty where every customer has one survey.
    """
    cells, spec = repeated(counts), counts.spec
    if not len(cells):
        return {}
    times = ["entry", "exit", "cause", *(["bucket"] if "bucket" in cells else []), "n"]
    change = pd.array(moves(cells, spec) + 2, dtype="Int64")
    before = as_strata(cells["previous"])
    plain, levels = cells[["score", *times]], as_groups(spec, ()).model_copy(update={"score": spec.score})
    three = as_groups(spec, ())
    three = three.model_copy(update={"score": three.score.model_copy(update={"scale": "1-3"})})
    both = levels.model_copy(update={"adjust": AdjustSection(columns=(LEVEL,), bands={TENURE_AT_SURVEY: ()})})
    described = {
        "level": (plain, levels),
        "change": (plain.assign(score=change), three),
        "both": (plain.assign(**{stratum_column(LEVEL): before}), both),
    }
    return {name: replace(counts, cells=add_up(made), spec=of) for name, (made, of) in described.items()}


def as_groups(spec: CohortSpec, strata: tuple[str, ...]) -> CohortSpec:
    """Describe counts of two groups as the cohort is described."""
    score = spec.score.model_copy(
        update={"scale": f"{CHANGED}-{STAYED}", "higher_is_better": True, "worst": (CHANGED,), "best": (STAYED,),
                "effect": "levels"}
    )  # fmt: skip
    rows = spec.cohort.model_copy(update={"repeat": "error", "cluster": spec.cluster_column})
    analysis = spec.analysis.model_copy(update={"contrasts": (":".join(CONTRAST),)})
    adjust = AdjustSection(columns=strata, bands={TENURE_AT_SURVEY: ()})
    return spec.model_copy(
        update={"score": score, "cohort": rows, "analysis": analysis, "adjust": adjust, "spend": None, "control": None,
                "metrics": None, "value": None}
    )  # fmt: skip


def _to_the_changed(counts: Counts) -> Spells:
    spells, cells = spells_of(counts), counts.cells
    changed = cells[cells["score"] == CHANGED]
    return replace(spells, mix=mix_of(changed, spells.strata, late=False))


def answered_again(counts: Counts) -> pd.DataFrame:
    """Count customers by their first score, and those of them who answered a second survey.

    Returns
    -------
    DataFrame
        ``score, n, again``, a row a level that somebody gave first.
    """
    scored = counts.scored
    first = scored[scored["previous"].isna()].groupby("score")["n"].sum()
    second = scored[scored[stratum_column("survey_number")] == "2"].groupby("previous")["n"].sum()
    table = pd.DataFrame({"n": first, "again": second.reindex(first.index)}).fillna(0).astype(int)
    return table.rename_axis("score").reset_index()
