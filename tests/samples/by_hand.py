"""Fits whose parameters are set by hand, and the counts that a survival function expects: for tests of what follows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import PersonPeriods, Spells
from cxlink.estimation.design_terms import INTERCEPT, level_terms
from cxlink.estimation.optimise import Box
from cxlink.groups.curves import Standard
from cxlink.survival.families.catalogue import Family
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projection_plan import Target


def set_fit(
    family: Family,
    locations: Sequence[float],
    others: Sequence[float] = (),
    strata: Sequence[float] = (),
    log_likelihood: float = -1.0,
) -> Fit:
    """A fit on link scales: the location of each level, effects of strata but the first, the other parameters.

    Its draws do not vary.
    """
    n_levels, n_strata = len(locations), len(strata) + 1
    level, stratum = (x.ravel() for x in np.indices((n_levels, n_strata)))
    effects = np.column_stack([np.eye(n_levels)[level], np.eye(n_strata)[stratum][:, 1:]])
    theta = np.array([*locations, *strata, *others], dtype=float)
    n = len(theta)
    return Fit(
        family=family,
        names=(
            *(f"location[{k}]" for k in range(n_levels)),
            *(f"stratum[{k}]" for k in range(1, n_strata)),
            *(parameter.name for parameter in family.parameters[1:]),
        ),
        terms=(
            *level_terms("score", range(n_levels)),
            *level_terms("stratum", range(n_strata), 0),
            *(INTERCEPT for _ in family.parameters[1:]),
        ),
        matrices=(effects, *(np.ones((n_levels * n_strata, 1)) for _ in others)),
        n_strata=n_strata,
        n_score=n_levels,
        cohort=np.r_[np.mean(locations), others],
        estimate=theta,
        centre=theta,
        covariance=np.zeros((n, n)),
        box=Box(np.full(n, -np.inf), np.full(n, np.inf), np.zeros((0, n))),
        log_likelihood=log_likelihood,
        gradient_norm=0.0,
        condition=1.0,
    )


def one_curve(
    horizons: tuple[int, ...],
    entry: Sequence[int] = (0,),
    weight: Sequence[float] = (1.0,),
    last: int = 30,
    **more: object,
) -> Target:
    """What is asked of one level, customers entering at several periods."""
    curve = np.zeros(len(entry), int)
    standard = Standard("all", curve, np.array(entry), np.array(weight), 100, 40)
    one = np.zeros(1, int)
    labels = {"adjusted": "no", "stratum": "", "scenario": ""}
    return Target(one, one, (standard,), horizons, np.array([last]), labels, **more)  # type: ignore[arg-type]


def periods_of(alive: np.ndarray) -> PersonPeriods:
    """Person-periods of levels from those still there after 0, 1, … periods, of shape (n_levels, n_periods + 1)."""
    alive = np.atleast_2d(alive)
    levels = np.arange(len(alive))
    return PersonPeriods(
        tuple(int(k) + 1 for k in levels),
        pd.DataFrame(index=range(1)),
        levels,
        np.zeros_like(levels),
        alive[:, :-1],
        -np.diff(alive, axis=1),
    )


def spells_by_hand(cells: Sequence[tuple[int, int, int, int, int, int]], n_strata: int = 1) -> Spells:
    """Spells of (level's position, stratum, entry, exit, lost, n), sorted by level and stratum."""
    level, stratum, entry, leave, lost, n = (np.array(column) for column in zip(*cells, strict=True))
    pairs, pair = np.unique(np.column_stack([level, stratum]), axis=0, return_inverse=True)
    strata = pd.DataFrame(index=range(1))
    if n_strata > 1:
        strata = pd.DataFrame({"stratum.plan": [f"p{k}" for k in range(n_strata)]})
    return Spells(
        levels=tuple(range(1, int(level.max()) + 2)),
        strata=strata,
        causes=("lost",),
        level=pairs[:, 0],
        stratum=pairs[:, 1],
        pair=pair.ravel(),
        entry=entry,
        exit=leave,
        cause=lost,
        n=n,
        spend=np.zeros((len(n), 3)),
    )
