"""Which effect acts on which parameter of a family: score levels and strata on the location, levels on the shape."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.spec.spec_sections import ActsOn, Effect
from cxlink.cohort.strata import stratum_variables
from cxlink.estimation.design_terms import INTERCEPT, SCORE, DesignTerm, level_terms, score_terms
from cxlink.estimation.effects import basis
from cxlink.estimation.optimise import Box
from cxlink.estimation.penalties import Penalty
from cxlink.survival.families.family import Family

Curve = Callable[[float], tuple[float, float, float]]
_FAR = 12.0
_POINTS = 241


@dataclass(frozen=True, slots=True)
class FamilyLayout:
    """Effects of a family's parameters, in the order in which they stand in θ.

    Attributes
    ----------
    family : Family
        Whose parameters they are.
    periods : PersonPeriods
        The counts.
    matrices : tuple of ndarray, each of shape (n_levels * n_strata, n_effects)
        Of each parameter, for every combination of a level and a stratum in row-major order.
    terms : tuple of DesignTerm
        What the effects stand for.
    n_score : int
        Effects of the score on the location; they come first.
    cohort : ndarray of shape (n_parameters,)
        The family's parameters for the cohort as one group, on link scales: what penalties pull towards.
    slope : float
        One unit of the location, on the log hazard ratio.
    log_hazard : callable
        Log cumulative hazard to the middle of what was seen at a location, and its derivatives.
    """

    family: Family
    periods: PersonPeriods
    matrices: tuple[np.ndarray, ...]
    terms: tuple[DesignTerm, ...]
    n_score: int
    cohort: np.ndarray
    slope: float
    log_hazard: Curve

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the effects: ``rate[7]``, ``rate[plan=basic]``, ``shape``."""
        own = [self.family.parameters[k].name for k in self.owner]
        return tuple(_named(name, term) for name, term in zip(own, self.terms, strict=True))

    @property
    def designs(self) -> tuple[np.ndarray, ...]:
        """Rows of the pairs with customers."""
        at = self.periods.level * len(self.periods.strata) + self.periods.stratum
        return tuple(matrix[at] for matrix in self.matrices)

    @property
    def ends(self) -> np.ndarray:
        """Where each parameter's part of θ begins, and the last ends."""
        ends: np.ndarray = np.cumsum([0, *(matrix.shape[1] for matrix in self.matrices)])
        return ends

    @property
    def n_effects(self) -> int:
        """Effects on the location."""
        return int(self.matrices[0].shape[1])

    @property
    def owner(self) -> np.ndarray:
        """Which parameter each entry of θ belongs to."""
        owner: np.ndarray = np.repeat(np.arange(len(self.matrices)), np.diff(self.ends))
        return owner

    @property
    def box(self) -> Box:
        """Bounds: none for effects on the location."""
        own = [self.family.parameters[k] for k in self.owner]
        located = self.owner == 0
        low, high = (np.array([getattr(p, side) for p in own]) for side in ("low", "high"))
        return Box(np.where(located, -np.inf, low), np.where(located, np.inf, high), self._rising())

    def _rising(self) -> np.ndarray:
        """The family's combinations that may not be negative, for every level with a shape of its own."""
        rising = (
            np.array(self.family.rising).reshape(-1, len(self.matrices) - 1) if self.family.rising else None
        )
        if rising is None:
            return np.zeros((0, self.ends[-1]))
        n_own = self.matrices[1].shape[1]
        rows = np.zeros((n_own, len(rising), self.ends[-1]))
        rows[:, :, self.ends[2] :] = rising[:, 1:]
        for own in range(n_own):
            rows[own, :, self.ends[1] + own] = rising[:, 0]
        return rows.reshape(-1, self.ends[-1])

    def whole(self, location: np.ndarray, strata: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Give θ from the location of each level, effects of strata, and the other parameters for all levels."""
        n = self.n_score
        score = np.linalg.lstsq(self.matrices[0][:: self._n_strata, :n], location, rcond=None)[0]
        shapes = [
            np.full(matrix.shape[1], value) for matrix, value in zip(self.matrices[1:], others, strict=True)
        ]
        return np.concatenate([score, strata, *shapes])

    def separated(self, fewest: int = 1) -> set[int]:
        """Find effects on the location with so few losses, or person-periods without one; by default with none.

        Of effects of one value beside 0 only: levels, and strata.
        """
        design = self.designs[0]
        at_risk, lost = self.periods.at_risk.sum(axis=1), self.periods.lost.sum(axis=1)
        if lost.sum() == at_risk.sum():
            return set(range(self.n_effects))
        inside = (design != 0).astype(float)
        r, d = inside.T @ at_risk, inside.T @ lost
        dummies = np.array([set(np.unique(column)) <= {0.0, 1.0} for column in design.T])
        return {
            int(k) for k in np.flatnonzero((np.minimum(d, r - d) < fewest) & dummies & (r < at_risk.sum()))
        }

    def penalty(self, index: int) -> Penalty:
        """Penalise one effect on the location against the cohort, or another parameter towards its centre."""
        direction = np.zeros(self.ends[-1])
        direction[index] = 1.0
        k = int(self.owner[index])
        if k:
            own = self.family.parameters[k]
            shaped = self.matrices[k].shape[1] > 1 or np.isnan(own.centre)
            return Penalty(index, direction, float(self.cohort[k]) if shaped else own.centre)
        column = self.designs[0][:, index]
        if not set(np.unique(column)) <= {0.0, 1.0}:
            return Penalty(index, direction, 0.0, self.slope * max(float(np.ptp(column)), 1e-6))
        exposure = self.periods.at_risk.sum(axis=1)
        beside = slice(self.n_score, self.n_effects) if index < self.n_score else slice(0, self.n_score)
        direction[beside] = (exposure @ self.designs[0])[beside] / exposure.sum()
        if self.family.kind == "cure":
            # on its log odds: where the cured fraction is 0, the hazard does not depend on them
            return Penalty(index, direction, float(self.cohort[0]))
        return Penalty(index, direction, self.log_hazard(float(self.cohort[0]))[0], 1.0, self.log_hazard)

    @property
    def _n_strata(self) -> int:
        return len(self.periods.strata)


def lay_out(
    family: Family,
    periods: PersonPeriods,
    cohort: np.ndarray,
    effect: Effect = "levels",
    acts_on: ActsOn = "location",
) -> FamilyLayout:
    """Lay effects out: the score's, strata but the one with most losses; then each other parameter.

    Parameters
    ----------
    family : Family
        What to fit.
    periods : PersonPeriods
        The counts.
    cohort : ndarray of shape (n_parameters,)
        The family's parameters for the cohort as one group.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score on the location; a monotone one is fitted free, and projected.
    acts_on : {"location", "shape"}
        Whether the score acts on the location alone, or on the second parameter as well, freely by level.
    """
    n_levels, n_strata = len(periods.levels), len(periods.strata)
    level, stratum = (x.ravel() for x in np.indices((n_levels, n_strata)))
    if effect in ("levels", "monotone"):
        score, terms = np.eye(n_levels), level_terms(SCORE, periods.levels)
    else:
        moved = basis(periods.levels, effect, n_levels // 2)
        score = np.column_stack([np.ones(n_levels), moved])
        terms = [INTERCEPT, *score_terms(periods.levels, effect, moved.shape[1], n_levels // 2)]
    lost = np.bincount(periods.stratum, periods.lost.sum(axis=1), minlength=n_strata)
    at_risk = np.bincount(periods.stratum, periods.at_risk.sum(axis=1), minlength=n_strata)
    reference = int(np.argmax(np.where(lost == at_risk, -1, lost)))
    others = np.delete(np.eye(n_strata), reference, axis=1)
    terms += _stratum_terms(periods.strata, reference)
    matrices = [np.hstack([score[level], others[stratum]])]
    for k in range(len(family.parameters) - 1):
        shaped = acts_on == "shape" and k == 0 and n_levels > 1
        matrices.append(np.eye(n_levels)[level] if shaped else np.ones((len(level), 1)))
        terms += level_terms(SCORE, periods.levels) if shaped else [INTERCEPT]
    middle = _middle(periods)
    slope = _slope(family, cohort, middle)
    hazard = _log_hazard(family, cohort, middle, slope)
    return FamilyLayout(family, periods, tuple(matrices), tuple(terms), score.shape[1], cohort, slope, hazard)


def _middle(periods: PersonPeriods) -> np.ndarray:
    """The mean period at risk, a whole one: where hazards are compared, and families that fit agree."""
    at_risk = periods.at_risk.sum(axis=0)
    mean = float(at_risk @ np.arange(1, len(at_risk) + 1) / at_risk.sum())
    return np.full(1, max(round(mean), 1.0))


def _log_hazard(family: Family, cohort: np.ndarray, middle: np.ndarray, slope: float) -> Curve:
    """Log cumulative hazard by location, log(−log S(t)), at the cohort's shape and t the middle of what was seen.

    Linear far from the cohort. It is on one scale in every family, so that a family and one that it contains hold an
    effect by much the same penalty.
    """
    at = cohort[0] + np.linspace(-_FAR, _FAR, _POINTS) / slope
    with np.errstate(all="ignore"):
        values = np.log(-family.linked(middle, at, *cohort[1:, None]))
    finite = np.flatnonzero(np.isfinite(values))
    if len(finite) < 4 or np.ptp(finite) + 1 != len(finite):
        return lambda location: (slope * location, slope, 0.0)
    knots = at[finite]
    low, high, step = float(knots[0]), float(knots[-1]), float(knots[1] - knots[0])
    pieces = CubicSpline(knots, values[finite]).c.T.tolist()

    def inside(location: float) -> tuple[float, float, float]:
        k = min(int((location - low) / step), len(pieces) - 1)
        x = location - (low + k * step)
        d3, d2, d1, d0 = pieces[k]
        return ((d3 * x + d2) * x + d1) * x + d0, (3 * d3 * x + 2 * d2) * x + d1, 6 * d3 * x + 2 * d2

    def log_hazard(location: float) -> tuple[float, float, float]:
        end = min(max(location, low), high)
        value, steep, bend = inside(end)
        return value + steep * (location - end), steep, bend if end == location else 0.0

    return log_hazard


def _stratum_terms(strata: pd.DataFrame, reference: int) -> list[DesignTerm]:
    """Terms of the strata but the reference, their variables crossed."""
    variables = stratum_variables(strata)
    values = [tuple(str(value) for value in row) for row in strata.itertuples(index=False)]
    return [DesignTerm(variables, row, values[reference]) for k, row in enumerate(values) if k != reference]


def _named(parameter: str, term: DesignTerm) -> str:
    if term == INTERCEPT:
        return parameter
    if term.basis:
        return f"{parameter}[{term.name} ({term.basis})]"
    if term.variables == (SCORE,):
        return f"{parameter}[{term.level}]"
    stratum = ",".join(f"{name}={level}" for name, level in zip(term.variables, term.levels, strict=True))
    return f"{parameter}[{stratum}]"


def _slope(family: Family, cohort: np.ndarray, middle: np.ndarray, step: float = 1e-4) -> float:
    """Take |∂ log(−log S(t)) / ∂ location|: what one unit of the location is on the log hazard ratio."""
    if family.kind == "cure":
        # odds of being cured are a scale of their own: where the fraction is 0, the hazard does not depend on them
        return 1.0
    with np.errstate(all="ignore"):
        low, high = (
            family.linked(middle, *(cohort + np.r_[d, np.zeros(len(cohort) - 1)])) for d in (-step, step)
        )
        slope = float(np.abs((np.log(-high) - np.log(-low)) / (2 * step))[0])
    return float(np.clip(slope, 1e-2, 1e2)) if np.isfinite(slope) else 1.0
