"""Grouped proportional hazards on counts: a free baseline, the score's effect, strata additive or interacting."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.estimation.penalties import Penalty
from cxlink.survival.proportional_hazards.cloglog import Grouped, Solution, solve
from cxlink.survival.proportional_hazards.hazard_design import HazardDesign, make_design, penalty, separated
from cxlink.survival.proportional_hazards.hazard_errors import HazardErrors
from cxlink.survival.proportional_hazards.robust_errors import Covariance, errors_of
from cxlink.survival.sparsity import FEWEST

TIME = "score × time"
_FLAT = 0.05
_SAME = 1e-6
_ROUNDS = 4
_MOST_EFFECTS = 150


@dataclass(frozen=True, slots=True, eq=False)
class HazardFit:
    """Fitted grouped proportional hazards.

    Attributes
    ----------
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score.
    n_levels : int
        Levels; combinations of level and stratum count in row-major order.
    design : HazardDesign
        Columns.
    grouped : Grouped
        What was fitted on: pairs with customers, in the informative periods.
    solution : Solution
        The maximum; before a monotone effect is projected.
    errors : HazardErrors
        Of effects and baseline.
    separated : tuple of Penalty
        Of the effects of levels, categories and interactions whose customers have losses only, or none.
    few : tuple of Penalty
        Of the effects of levels with fewer than ten losses, or kept: their draws follow it, the estimate does not.
    informative, extinct : bool ndarray of shape (n_periods,)
        Periods with both a loss and a survivor, and those in which all at risk were lost.
    share : ndarray of shape (n_levels,)
        Customers' person-periods at each level, as shares.
    """

    effect: Effect
    n_levels: int
    design: HazardDesign
    grouped: Grouped
    solution: Solution
    errors: HazardErrors
    separated: tuple[Penalty, ...]
    few: tuple[Penalty, ...]
    informative: np.ndarray
    extinct: np.ndarray
    share: np.ndarray

    @property
    def penalised(self) -> tuple[str, ...]:
        """Names of the effects with a weak penalty."""
        return tuple((*self.design.names, TIME)[one.index] for one in self.separated)

    @property
    def covariance(self) -> np.ndarray:
        """Of the effects, (n_effects, n_effects)."""
        return self.errors.covariance

    @property
    def standard_errors(self) -> np.ndarray:
        """Of the effects."""
        errors: np.ndarray = np.sqrt(np.diag(self.covariance))
        return errors


@dataclass(frozen=True, slots=True)
class Unestimated:
    """Counts that cannot carry hazard ratios, and why.

    Attributes
    ----------
    reason : str
        A name: ``no_losses``, ``all_lost``, ``nothing_beside``, ``too_many_effects``.
    facts : mapping of str to int
        Numbers that go with it.
    """

    reason: str
    facts: Mapping[str, int] = field(default_factory=dict)


def fit_hazards(
    periods: PersonPeriods,
    effect: Effect = "levels",
    interacting: bool = False,
    varying: np.ndarray | None = None,
    covariance: Covariance = "robust",
) -> HazardFit | Unestimated:
    """Fit grouped proportional hazards by maximum likelihood.

    A level, category or interaction whose customers have losses only, or none, gets a weak log-F(1,1) penalty on its
    log hazard ratio against the cohort, and so does an effect along which the likelihood is flat. Both are assessed in
    the periods with both a loss and a survivor: the others carry no information on hazard ratios.

    Parameters
    ----------
    periods : PersonPeriods
        The counts; merged over strata for a fit by score alone.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score. A monotone one is fitted free, and projected by `hazard_draws`.
    interacting : bool
        Whether the score's effect may differ between categories.
    varying : ndarray of shape (n_pairs, n_periods), optional
        A covariate that changes with time; its coefficient comes last.
    covariance : {"robust", "model", "jackknife"}
        Errors over customers (over the buckets of their clusters), from the expected information, or of clustered
        customers by leaving out one bucket at a time. From the information in any case where the person-periods do not
        hold their customers, and of independent customers in levels, categories and interactions with fewer than ten
        losses, or kept.

    Returns
    -------
    HazardFit or Unestimated
        Unestimated where no period has both a loss and a survivor.
    """
    total, gone = periods.at_risk.sum(axis=0), periods.lost.sum(axis=0)
    informative = (gone > 0) & (gone < total)
    if not informative.any():
        return Unestimated(_reason(total, gone))
    seen = periods.at_risk[:, informative].any(axis=1)
    counted = narrowed(periods, informative, seen)
    design = make_design(counted, effect, interacting)
    if interacting and len(design.names) > _MOST_EFFECTS:
        return Unestimated("too_many_effects", {"effects": len(design.names), "most": _MOST_EFFECTS})
    rows = design.matrix[counted.level * len(counted.strata) + counted.stratum]
    more = np.empty((0, *counted.at_risk.shape)) if varying is None else varying[seen][:, informative][None]
    grouped = Grouped(counted.at_risk, counted.lost, rows, more)
    solution, separated_penalties = _penalised(grouped, design)
    share = np.bincount(counted.level, counted.at_risk.sum(axis=1), len(counted.levels))
    return HazardFit(
        effect=effect,
        n_levels=len(counted.levels),
        design=design,
        grouped=grouped,
        solution=solution,
        errors=errors_of(
            grouped,
            solution,
            separated_penalties,
            None if covariance == "model" else counted.exposures,
            by_jackknife=covariance == "jackknife",
        ),
        separated=separated_penalties,
        few=_few(grouped, design, separated_penalties),
        informative=informative,
        extinct=(gone > 0) & (gone == total),
        share=share / share.sum(),
    )


def narrowed(periods: PersonPeriods, columns: np.ndarray, rows: np.ndarray | None = None) -> PersonPeriods:
    """Keep some of the periods, and of the pairs; bool arrays of shape (n_periods,) and (n_pairs,)."""
    rows = np.ones(len(periods.level), dtype=bool) if rows is None else rows
    place = np.where(rows, np.cumsum(rows) - 1, -1)
    return replace(
        periods,
        level=periods.level[rows],
        stratum=periods.stratum[rows],
        at_risk=periods.at_risk[rows][:, columns].astype(float),
        lost=periods.lost[rows][:, columns].astype(float),
        exposures=periods.exposures and periods.exposures.within(columns, place),
    )


def _reason(at_risk: np.ndarray, lost: np.ndarray) -> str:
    if not lost.any():
        return "no_losses"
    if (lost == at_risk)[at_risk > 0].all():
        return "all_lost"
    return "nothing_beside"


def _penalised(grouped: Grouped, design: HazardDesign) -> tuple[Solution, tuple[Penalty, ...]]:
    """Fit with penalties on separated columns, and then on those that turn out to be flat."""
    at_risk, lost = grouped.at_risk.sum(axis=1), grouped.lost.sum(axis=1)
    separated_effects = set(separated(grouped.design, at_risk, lost))
    for _ in range(_ROUNDS):
        chosen = tuple(
            penalty(design, grouped.design, at_risk, j, grouped.n_effects) for j in sorted(separated_effects)
        )
        solution = solve(grouped, chosen)
        more = _flat(grouped, solution) - separated_effects
        if not more:
            break
        separated_effects |= more
    return solution, chosen


def _few(grouped: Grouped, design: HazardDesign, penalties: tuple[Penalty, ...]) -> tuple[Penalty, ...]:
    """Penalties for the draws of levels with few losses, or few survivors."""
    at_risk, lost = grouped.at_risk.sum(axis=1), grouped.lost.sum(axis=1)
    sparse = separated(grouped.design[:, : design.n_score], at_risk, lost, FEWEST)
    others = set(sparse) - {one.index for one in penalties}
    return tuple(penalty(design, grouped.design, at_risk, j, grouped.n_effects) for j in sorted(others))


def _flat(grouped: Grouped, solution: Solution) -> set[int]:
    """Find effects along which log hazards can change by one at almost no loss of likelihood."""
    if not grouped.n_effects:
        return set()
    scale = np.concatenate([np.ptp(grouped.design, axis=0), np.ones(len(grouped.varying))])
    scale = np.where(scale > 0, scale, 1.0)
    values, axes = np.linalg.eigh(solution.information / np.outer(scale, scale))
    effects: set[int] = set()
    for value, axis in zip(values, axes.T, strict=True):
        # columns may all but cancel: what counts is how far the log hazards of the cells part
        parted = float(np.ptp(grouped.shift(axis / scale)))
        if parted < _SAME or value < _FLAT * parted**2:
            effects |= {int(j) for j in np.flatnonzero(np.abs(axis) > 0.3)}
    return effects


def score_rows(fit: HazardFit) -> np.ndarray:
    """Columns of the score's own effect, by level: (n_levels, n_score)."""
    n_strata = len(fit.design.matrix) // fit.n_levels
    rows: np.ndarray = fit.design.matrix[::n_strata, : fit.design.n_score]
    return rows
