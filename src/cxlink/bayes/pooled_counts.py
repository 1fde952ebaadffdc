"""Data of the Bayesian models: the counts of cohorts on one grid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from cxlink.cohort.count.exposures import Exposures, together
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.spec.spec_sections import Effect

BayesEffect = Literal["levels", "monotone"]


@dataclass(frozen=True, slots=True)
class Coding:
    """Meaning of the positions in draws; stored with them.

    Attributes
    ----------
    levels : tuple of int
        Score levels, from the worst to the best; levels without customers may be among them.
    strata : tuple of tuple of (str, str)
        Variables and values of each stratum, as columns ``stratum.plan`` have them; one empty one where nothing is
        adjusted for.
    cohorts : tuple of str
        Names of the cohorts; one where none are pooled.
    effect : {"levels", "monotone"}
        Of the score.
    """

    levels: tuple[int, ...]
    strata: tuple[tuple[tuple[str, str], ...], ...]
    cohorts: tuple[str, ...]
    effect: BayesEffect

    @property
    def shape(self) -> tuple[int, int, int]:
        """Cohorts, levels, strata."""
        return len(self.cohorts), len(self.levels), len(self.strata)

    def as_dict(self) -> dict[str, Any]:
        """The fields as JSON types."""
        strata = [dict(one) for one in self.strata]
        return {"levels": self.levels, "strata": strata, "cohorts": self.cohorts, "effect": self.effect}


def coding_from(about: Mapping[str, Any]) -> Coding:
    """Inverse of `Coding.as_dict`."""
    strata = tuple(tuple(sorted(one.items())) for one in about["strata"])
    return Coding(tuple(about["levels"]), strata, tuple(about["cohorts"]), about["effect"])


def bayes_effect(effect: Effect) -> BayesEffect:
    """The effect that the Bayesian models fit for a spec's; see `partial_pooling`."""
    return "monotone" if effect == "monotone" else "levels"


def strata_of(strata: pd.DataFrame) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Strata in the form of a coding."""
    return tuple(
        tuple(sorted((str(k), str(v)) for k, v in one.items())) for one in strata.to_dict("records")
    ) or ((),)


@dataclass(frozen=True, slots=True, eq=False)
class PooledPeriods:
    """Person-periods of one or several cohorts on one grid.

    Attributes
    ----------
    coding : Coding
        Cohorts, levels, strata.
    at_risk, lost : ndarray of shape (n_cohorts, n_levels, n_strata, n_periods)
        0 without customers.
    customers : Exposures or None
        The customers by their row of cohort, level and stratum, with their buckets of clusters; None where customers of
        any cohort are independent.
    """

    coding: Coding
    at_risk: np.ndarray
    lost: np.ndarray
    customers: Exposures | None = None


def pool(
    cohorts: Mapping[str, PersonPeriods],
    effect: BayesEffect = "levels",
    levels: Sequence[int] | None = None,
) -> PooledPeriods:
    """Lay the person-periods of cohorts on one grid; the order of the mapping is that of the cohorts.

    Parameters
    ----------
    cohorts : mapping of str to PersonPeriods
        By name; of the same scale and unit (`cxlink.cohort.count.counts.add` refuses others).
    effect : {"levels", "monotone"}
        Of the score.
    levels : sequence of int, optional
        All levels of the scale from the worst to the best, to predict also those without customers; those with
        customers, in the order in which they occur, by default.
    """
    seen = dict.fromkeys(level for one in cohorts.values() for level in one.levels)
    all_levels = tuple(levels) if levels is not None else tuple(seen)
    strata = tuple(sorted({stratum for one in cohorts.values() for stratum in strata_of(one.strata)}))
    coding = Coding(all_levels, strata, tuple(cohorts), effect)
    n_periods = max(one.at_risk.shape[1] for one in cohorts.values())
    at_risk = np.zeros((*coding.shape, n_periods))
    lost, customers = np.zeros_like(at_risk), []
    for c, one in enumerate(cohorts.values()):
        level = np.array([all_levels.index(level) for level in one.levels], dtype=int)[one.level]
        stratum = np.array([strata.index(name) for name in strata_of(one.strata)], dtype=int)[one.stratum]
        at_risk[c, level, stratum, : one.at_risk.shape[1]] = one.at_risk
        lost[c, level, stratum, : one.lost.shape[1]] = one.lost
        if one.exposures is not None and one.exposures.bucket is not None:
            row = np.ravel_multi_index((np.full(len(level), c), level, stratum), coding.shape)
            customers.append(replace(one.exposures, row=row[one.exposures.row]))
    clustered = len(customers) == len(cohorts)
    return PooledPeriods(coding, at_risk, lost, together(customers) if clustered else None)


def zero_sum(n: int) -> np.ndarray:
    """Orthonormal basis of the zero-sum space (Helmert's), of shape (n, n − 1)."""
    basis = np.zeros((n, max(n - 1, 0)))
    for j in range(1, n):
        basis[:j, j - 1], basis[j, j - 1] = 1.0, -j
        basis[:, j - 1] /= np.sqrt(j * (j + 1))
    return basis
