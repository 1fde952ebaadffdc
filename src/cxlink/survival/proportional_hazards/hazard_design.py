"""The design of grouped proportional hazards: the score's effect, strata by their variables, interactions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.cohort.strata import stratum_variables
from cxlink.estimation.design_terms import SCORE, DesignTerm, level_terms, score_terms
from cxlink.estimation.effects import basis
from cxlink.estimation.independence import independent_columns
from cxlink.estimation.penalties import Penalty

_SCORE = ""


@dataclass(frozen=True, slots=True, eq=False)
class HazardDesign:
    """Columns of the linear predictor for every combination of a level and a stratum.

    Attributes
    ----------
    matrix : ndarray of shape (n_levels * n_strata, n_columns)
        In row-major order; combinations without customers included.
    terms : tuple of DesignTerm
        What the columns stand for.
    blocks : tuple of frozenset of str
        What each column is about: the score, a variable, or both.
    n_score : int
        Columns of the score's own effect; they come first.
    reference : int
        Position of the level whose effect is 0.
    dropped : tuple of str
        Interactions, and categories, left out since the counts cannot tell them from the others: nobody was in such a
        cell. Columns of the score stay, and are held by a penalty instead.
    groups : mapping of str to str
        The level that each column of one level alone is about, by the column's name.
    """

    matrix: np.ndarray
    terms: tuple[DesignTerm, ...]
    blocks: tuple[frozenset[str], ...]
    n_score: int
    reference: int
    dropped: tuple[str, ...]
    groups: Mapping[str, str]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns: ``score 7``, ``plan=basic``, ``score 7 × plan=basic``."""
        return tuple(_named(term) for term in self.terms)


def make_design(
    periods: PersonPeriods, effect: Effect, interacting: bool = False, reference: int | None = None
) -> HazardDesign:
    """Lay the design out; references are what the counts say most about.

    Parameters
    ----------
    periods : PersonPeriods
        In the periods that say anything of hazard ratios.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score.
    interacting : bool
        Whether the score's effect may differ between the categories of each adjustment variable.
    reference : int, optional
        Position of the level whose effect is 0; chosen where left out.
    """
    n_levels, n_strata = len(periods.levels), len(periods.strata)
    level, stratum = (x.ravel() for x in np.indices((n_levels, n_strata)))
    contributions = _known(periods)
    by_level = np.bincount(periods.level, contributions, minlength=n_levels)
    zero = int(by_level.argmax()) if reference is None else reference
    score = basis(periods.levels, effect, zero)[level]
    parts = [(score, score_terms(periods.levels, effect, score.shape[1], zero), frozenset({_SCORE}))]
    for column, variable in zip(periods.strata, stratum_variables(periods.strata), strict=True):
        informative = np.bincount(periods.stratum, contributions, n_strata)
        dummies, categories = _categories(variable, periods.strata[column], informative)
        parts.append((dummies[stratum], categories, frozenset({variable})))
        if interacting:
            crossed = (score[:, :, None] * dummies[stratum][:, None, :]).reshape(len(score), -1)
            both = [a.crossed(b) for a in parts[0][1] for b in categories]
            parts.append((crossed, both, frozenset({_SCORE, variable})))
    parts.sort(key=lambda part: len(part[2]))  # main effects before interactions
    matrix = np.concatenate([part[0] for part in parts], axis=1)
    terms = tuple(term for part in parts for term in part[1])
    blocks = tuple(part[2] for part in parts for _ in part[1])
    keep = _used_columns(matrix[periods.level * n_strata + periods.stratum], blocks)
    return HazardDesign(
        matrix=matrix[:, keep],
        terms=tuple(terms[j] for j in keep),
        blocks=tuple(blocks[j] for j in keep),
        n_score=sum(blocks[j] == {_SCORE} for j in keep),
        reference=zero,
        dropped=tuple(_named(term) for j, term in enumerate(terms) if j not in set(keep)),
        groups={
            _named(term): term.levels[0] for term in terms if term.variables == (SCORE,) and term.levels[0]
        },
    )


def _known(periods: PersonPeriods) -> np.ndarray:
    """How much each pair says of its hazard: the fewer of its losses and of what was kept."""
    lost = periods.lost.sum(axis=1)
    contributions: np.ndarray = np.minimum(lost, periods.at_risk.sum(axis=1) - lost).astype(float)
    return contributions


def _named(term: DesignTerm) -> str:
    names = []
    for variable, level in zip(term.variables, term.levels, strict=True):
        if variable == SCORE:
            names.append(f"score {level}" if level else f"score ({term.basis})")
        else:
            names.append(f"{variable}={level}")
    return " × ".join(names)


def _categories(
    variable: str, column: pd.Series, informative: np.ndarray
) -> tuple[np.ndarray, list[DesignTerm]]:
    """Dummies of a variable's categories, (n_strata, n_categories − 1), but for the most informative one."""
    names = sorted(column.unique())
    dummies = np.array([[value == name for name in names] for value in column], dtype=float)
    reference = int((informative @ dummies).argmax())
    return np.delete(dummies, reference, axis=1), level_terms(variable, names, reference)


def _used_columns(rows: np.ndarray, blocks: tuple[frozenset[str], ...]) -> list[int]:
    """Columns that are no sum of a constant and of others, and all of the score's.

    Categories are compared among themselves, interactions last. A category without informative customers stays too.
    """
    order = sorted(range(len(blocks)), key=lambda j: (len(blocks[j]), blocks[j] == {_SCORE}))
    columns = []
    for j, independent in zip(order, independent_columns(rows[:, order]), strict=True):
        empty = len(blocks[j]) == 1 and not rows[:, j].any()
        if independent or blocks[j] == {_SCORE} or empty:
            columns.append(j)
    return sorted(columns)


def separated(rows: np.ndarray, at_risk: np.ndarray, lost: np.ndarray, fewest: int = 1) -> list[int]:
    """Find columns of one value beside 0 whose customers have losses only, or none; or that have no customers.

    Parameters
    ----------
    rows : ndarray of shape (n_cells, n_columns)
        Of the design.
    at_risk, lost : ndarray of shape (n_cells,)
        Person-periods, and losses.
    fewest : int
        Losses, and person-periods without one, that a column needs; 1 for any.
    """
    columns = []
    for j, column in enumerate(rows.T):
        inside = column != 0
        d, r = lost[inside].sum(), at_risk[inside].sum()
        if len(np.unique(column[inside])) <= 1 and min(d, r - d) < fewest:
            columns.append(j)
    return columns


def penalty(
    design: HazardDesign, rows: np.ndarray, at_risk: np.ndarray, index: int, n_effects: int
) -> Penalty:
    """Give the weak penalty of one column: on its log hazard ratio against the cohort, all else alike.

    A column of many values, and a covariate that varies with time, is held towards 0 over its range.

    Parameters
    ----------
    design : HazardDesign
        The columns.
    rows : ndarray of shape (n_cells, n_columns)
        Of the cells that were fitted.
    at_risk : ndarray of shape (n_cells,)
        Person-periods.
    index : int
        Which column.
    n_effects : int
        Columns and covariates that vary.
    """
    direction = np.zeros(n_effects)
    direction[index] = 1.0
    if index >= rows.shape[1]:
        return Penalty(index, direction)
    column = rows[:, index]
    inside = column != 0
    if not inside.any():
        return Penalty(index, direction)
    if len(np.unique(column[inside])) != 1:
        return Penalty(index, direction, scale=float(np.ptp(column)))
    about = np.array([block <= design.blocks[index] for block in design.blocks], dtype=bool)
    share = at_risk / at_risk.sum()
    here = (share[inside] @ rows[inside]) / share[inside].sum() - share @ rows
    direction[: rows.shape[1]] = np.where(about, here, 0.0)
    return Penalty(index, direction)
