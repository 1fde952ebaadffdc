"""Fitting a family to person-periods: score levels and strata on its location, separation, refusals."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlink.cohort.spells import PersonPeriods
from cxlink.models.families import FAMILIES, Family
from cxlink.models.fitted import Fit, Unfitted
from cxlink.models.likelihood import Likelihood, Penalty, stretches
from cxlink.models.marginals import marginals
from cxlink.models.optimum import Optimum, maximise
from cxlink.models.sparse import FEWEST

_RUNAWAY = 8.0
_FLAT = 0.05
_VAGUE = 1.5


def fit_all(periods: PersonPeriods, families: Sequence[Family] = FAMILIES) -> tuple[Fit | Unfitted, ...]:
    """Fit each family, or say why not."""
    return tuple(fit(family, periods) for family in families)


def fit(family: Family, periods: PersonPeriods) -> Fit | Unfitted:
    """Fit a family by maximum likelihood, the score free by level and the strata additive on its location.

    A level or stratum with losses in all its person-periods, or in none, gets a weak log-F(1,1) penalty on
    its log hazard ratio against the cohort (in the first period, linear in the location), and so does an
    effect that the counts cannot tell from others. A parameter of the shape that runs away, or whose standard
    error on its link is over 1.5, gets one towards 0 on its link. See `Penalty`.

    Parameters
    ----------
    family : Family
        What to fit.
    periods : PersonPeriods
        The counts; merged over strata for an unadjusted fit.

    Returns
    -------
    Fit or Unfitted
        Unfitted where nobody was lost, where everybody was in every period, or where losses fall in no more
        periods than the family has parameters of its own (the exponential needs one).
    """
    reason = _refusal(family, periods)
    if reason:
        return Unfitted(family, reason)
    layout = _Layout.of(family, periods, _cohort(family, _one_group(periods)).theta)
    likelihood = Likelihood(family.linked, stretches(periods), layout.design)
    flagged = layout.separated(periods)
    for _ in range(3):
        likelihood = likelihood.with_penalties([layout.penalty(index) for index in sorted(flagged)])
        optimum = maximise(likelihood, layout.starts(periods))
        more = layout.unbounded(optimum) - flagged
        if not more:
            break
        flagged |= more
    few = {level for level in layout.separated(periods, FEWEST) - flagged if level < layout.n_levels}
    followed = likelihood.with_penalties([layout.penalty(index) for index in sorted(flagged | few)])
    return _result(layout, likelihood, optimum, followed)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which parameter is what, and the cohort that penalties pull towards."""

    family: Family
    periods: PersonPeriods
    design: np.ndarray
    reference: int
    cohort: np.ndarray
    slope: float

    @classmethod
    def of(cls, family: Family, periods: PersonPeriods, cohort: np.ndarray) -> "_Layout":
        """Lay the parameters out: levels, strata but the one with most losses, others."""
        n_levels, n_strata = len(periods.levels), len(periods.strata)
        lost = np.bincount(periods.stratum, periods.lost.sum(axis=1), minlength=n_strata)
        at_risk = np.bincount(periods.stratum, periods.at_risk.sum(axis=1), minlength=n_strata)
        reference = int(np.argmax(np.where(lost == at_risk, -1, lost)))
        by_stratum = np.delete(np.eye(n_strata), reference, axis=1)
        design = np.hstack([np.eye(n_levels)[periods.level], by_stratum[periods.stratum]])
        return cls(family, periods, design, reference, cohort, _slope(family, cohort))

    @property
    def n_levels(self) -> int:
        return len(self.periods.levels)

    @property
    def n_effects(self) -> int:
        return int(self.design.shape[1])

    @property
    def names(self) -> tuple[str, ...]:
        location, *others = self.family.parameters
        strata = [
            ",".join(f"{str(key).removeprefix('stratum.')}={value}" for key, value in row.items())
            for row in self.periods.strata.to_dict("records")
        ]
        strata = strata or [""]
        effects = [*self.periods.levels, *(s for k, s in enumerate(strata) if k != self.reference)]
        return (*(f"{location}[{effect}]" for effect in effects), *others)

    def starts(self, periods: PersonPeriods) -> list[np.ndarray]:
        """Give the cohort's own parameters everywhere, then the family's start from each level's hazard."""
        others = self.cohort[1:]
        level = np.full(self.n_levels, self.cohort[0])
        strata = np.zeros(self.n_effects - self.n_levels)
        at_risk = np.bincount(periods.level, periods.at_risk.sum(axis=1), minlength=self.n_levels)
        lost = np.bincount(periods.level, periods.lost.sum(axis=1), minlength=self.n_levels)
        hazard = (lost + 0.5) / (at_risk + 1)
        own = np.array([self.family.start_linked(float(h)) for h in hazard])
        return [
            np.concatenate([level, strata, others]),
            np.concatenate([own[:, 0], strata, own.mean(axis=0)[1:]]),
            np.concatenate([own[:, 0], strata, own.mean(axis=0)[1:] + 0.7]),
        ]

    def separated(self, periods: PersonPeriods, fewest: int = 1) -> set[int]:
        """Find levels and strata with so few losses, or so few person-periods without one; by default with none."""
        at_risk, lost = periods.at_risk.sum(axis=1), periods.lost.sum(axis=1)
        r = self.design.T @ at_risk
        d = self.design.T @ lost
        return {int(k) for k in np.nonzero(np.minimum(d, r - d) < fewest)[0]} if self.n_effects > 1 else set()

    def penalty(self, index: int) -> Penalty:
        """Penalise one effect against the cohort, or one other parameter against 0 on its link."""
        direction = np.zeros(self.n_effects + len(self.cohort) - 1)
        direction[index] = 1.0
        if index >= self.n_effects:
            return Penalty(index, direction)
        beside = slice(self.n_levels, self.n_effects) if index < self.n_levels else slice(0, self.n_levels)
        exposure = self.periods.at_risk.sum(axis=1)
        direction[beside] = (exposure @ self.design)[beside] / exposure.sum()
        return Penalty(index, direction, float(self.cohort[0]), self.slope)

    def unbounded(self, optimum: Optimum) -> set[int]:
        """Find effects along which the likelihood is flat, and other parameters that it hardly bounds."""
        n, held = self.n_effects, set()
        information = -optimum.hessian
        if np.isfinite(information).all():
            values, axes = np.linalg.eigh(information[:n, :n])
            for k in np.nonzero(values < _FLAT * self.slope**2)[0]:
                held |= {int(i) for i in np.nonzero(np.abs(axes[:, k]) > 0.3)[0]}
        covariance = _inverse(information)
        theta = optimum.theta[n:]
        bounded = np.abs(theta) < _RUNAWAY
        if covariance is not None:
            bounded &= np.diag(covariance)[n:] < _VAGUE**2
        return held | {n + int(k) for k in np.nonzero(~bounded)[0]}


def _one_group(periods: PersonPeriods) -> PersonPeriods:
    one = np.zeros(1, int)
    at_risk, lost = (x.sum(axis=0, keepdims=True) for x in (periods.at_risk, periods.lost))
    return PersonPeriods((0,), pd.DataFrame(index=range(1)), one, one, at_risk, lost)


def _cohort(family: Family, periods: PersonPeriods) -> Optimum:
    """Fit the cohort as one group, its other parameters held where they run away."""
    likelihood = Likelihood(family.linked, stretches(periods), np.ones((1, 1)))
    start = family.start_linked(float((periods.lost.sum() + 0.5) / (periods.at_risk.sum() + 1)))
    other = np.r_[0.0, np.full(len(start) - 1, 0.7)]
    starts = [start, start + other, start - other]
    optimum = maximise(likelihood, starts)
    wild = [k for k in range(1, len(start)) if not abs(optimum.theta[k]) < _RUNAWAY]
    held = [Penalty(k, np.eye(len(start))[k]) for k in wild]
    return maximise(likelihood.with_penalties(held), starts) if held else optimum


def _slope(family: Family, cohort: np.ndarray, step: float = 1e-4) -> float:
    """Take ∂ log(−log S(1)) / ∂ location: what one unit of the location is on the log hazard ratio."""
    one = np.ones(1)
    low, high = (family.linked(one, *(cohort + np.r_[d, np.zeros(len(cohort) - 1)])) for d in (-step, step))
    slope = (np.log(-high) - np.log(-low)) / (2 * step)
    return float(np.clip(np.abs(slope[0]), 1e-2, 1e2))


def _refusal(family: Family, periods: PersonPeriods) -> str:
    """Say why these counts cannot carry a family; empty if they can."""
    at_risk, lost = periods.at_risk.sum(axis=0), periods.lost.sum(axis=0)
    n_periods, needed = int((lost > 0).sum()), len(family.parameters)
    if n_periods == 0:
        return "nobody was lost, so the counts do not say how long customers stay"
    if (lost == at_risk).all():
        return "everybody was lost in every period they were seen, so no rate of loss is finite"
    if needed > 1 and n_periods <= needed:
        periods_had = "1 period" if n_periods == 1 else f"{n_periods} periods"
        return (
            f"{family.name} has {needed} parameters of its own and needs losses in at least {needed + 1} "
            f"periods; they fall in {periods_had}"
        )
    return ""


def _result(
    layout: _Layout, likelihood: Likelihood, optimum: Optimum, followed: Likelihood
) -> Fit | Unfitted:
    """Report a maximum; ``followed`` also has the penalties that only draws follow (levels with hardly a loss)."""
    covariance = _inverse(-optimum.hessian)
    if covariance is None:
        return Unfitted(
            layout.family,
            f"{layout.family.name} has no clear maximum: its likelihood does not curve down on all sides",
        )
    result = Fit(
        layout.family, layout.names, optimum.theta, covariance, layout.n_levels, layout.reference,
        likelihood.plain(optimum.theta), optimum.gradient_norm,
        notes=tuple(_sentence(layout, optimum, penalty) for penalty in likelihood.penalties),
        marginals=marginals(followed, optimum, covariance, layout.n_effects),
    )  # fmt: skip
    if result.converged:
        return result
    stopped = f"{layout.family.name}: the search stopped at a gradient of {result.gradient_norm:.1e} a loss."
    return replace(result, notes=(*result.notes, stopped))


def _inverse(information: np.ndarray) -> np.ndarray | None:
    """Invert a positive definite matrix; None where it is not."""
    if not np.isfinite(information).all():
        return None
    values, axes = np.linalg.eigh(information)
    if values[0] <= 1e-12 * values[-1]:
        return None
    inverse: np.ndarray = (axes / values) @ axes.T
    return inverse


def _sentence(layout: _Layout, optimum: Optimum, penalty: Penalty) -> str:
    name = layout.names[penalty.index]
    if penalty.index < layout.n_effects:
        return (
            f"{name} is separated (losses only, none, or not to be told from another effect): a weak "
            "log-F(1,1) penalty holds its log hazard ratio against the cohort, and its draws follow the "
            "penalised likelihood."
        )
    value = float(
        layout.family.links[penalty.index - layout.n_effects + 1].inverse(optimum.theta[penalty.index])
    )
    return (
        f"{name} is hardly bounded by the counts: a weak log-F(1,1) penalty holds it at {value:.3g}, and its "
        "draws follow the penalised likelihood."
    )
