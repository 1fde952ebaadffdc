"""Terms of continued hazards: what of a level and a stratum multiplies which function of time.

log h_k(t) = Σ_c z_kc · θ_c · b_c(t) for a cell k of level and stratum. Coefficients of a block share a variance, which
pulls them to 0: strata borrow from each other, levels from a trend over the score, and cells from both. Levels are
proportional inside a stratum, but for the part of the score's effect that fades or drifts, where the terms have one.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.survival.tails.time_functions import FADING, LINE, ONE, RENEWAL, SPLINE, TimeFunctions

FREE = -1
_WIDE, _SLOPE, _TREND, _DRIFT = 2.0, 0.5, 3.0, 0.2
_USUAL = {"spline": 1.0, "strata": 0.3, "slopes": 0.2, "levels": 0.3, "cells": 0.2}


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Columns of the log hazard.

    Attributes
    ----------
    time : TimeFunctions
        The functions of time.
    matrix : ndarray of shape (n_cells, n_columns)
        z: every combination of level and stratum, the strata varying quickest.
    function : int ndarray of shape (n_columns,)
        Which function of time each column multiplies.
    block : int ndarray of shape (n_columns,)
        Columns that share a variance; `FREE` those with a wide one of their own.
    usual : ndarray of shape (n_columns,)
        Standard deviation to start from, and to fall back on where a block tells little.
    offset : float
        Log hazard that all columns are pulled to: the cohort's, half a loss added.
    """

    time: TimeFunctions
    matrix: np.ndarray
    function: np.ndarray
    block: np.ndarray
    usual: np.ndarray
    offset: float

    @property
    def columns(self) -> list[np.ndarray]:
        """Positions of the columns of each function of time."""
        return [np.flatnonzero(self.function == j) for j in range(self.time.n_functions)]

    def coefficients(self, theta: np.ndarray) -> np.ndarray:
        """Coefficients of each cell: (n_columns, ...) to (n_cells, n_functions, ...)."""
        found = np.zeros((len(self.matrix), self.time.n_functions, *theta.shape[1:]))
        for j, at in enumerate(self.columns):
            found[:, j] = self.matrix[:, at] @ theta[at]
        found[:, ONE] += self.offset
        return found


def terms_for(
    time: TimeFunctions,
    customers: np.ndarray,
    strata: pd.DataFrame,
    *,
    offset: float,
    by_stratum: bool = True,
) -> Terms:
    """Lay out the terms of a cohort.

    Parameters
    ----------
    time : TimeFunctions
        What fades, and which renewals there are.
    customers : ndarray of shape (n_levels, n_strata)
        In each cell: the trend over the score is centred and scaled by them.
    strata : DataFrame of shape (n_strata, n_variables)
        Their variables; each category has terms, and each stratum.
    offset : float
        Log hazard of the cohort.
    by_stratum : bool
        Whether the score acts differently in each stratum.
    """
    made = _Columns()
    level, stratum = (x.ravel() for x in np.indices(customers.shape))
    one = np.ones(len(level))
    made.add(one, ONE, "", _WIDE)
    made.add(one, LINE, "", _SLOPE)
    made.add(
        np.repeat(one[:, None], time.first_step - SPLINE, axis=1),
        np.arange(SPLINE, time.first_step),
        "spline",
    )
    theirs = _categories(strata)[stratum] if len(strata) > 1 else np.zeros((len(level), 0))
    made.add(theirs, ONE, "strata")
    made.add(theirs, LINE, "slopes")
    trend, each = _scores(customers)[level], np.eye(len(customers))[level]
    for function in _acting(time) if len(customers) > 1 else ():
        made.add(trend, function, "", _TREND)
        made.add(each, function, "levels")
        if by_stratum:
            made.add(theirs * trend[:, None], function, "cells")
    if time.drifts and len(customers) > 1:
        made.add(trend, LINE, "", _DRIFT)
        made.add(each, LINE, "slopes")
    if by_stratum and len(customers) > 1 and len(strata) > 1:
        made.add(np.eye(len(level)), ONE, "cells")
    for step in range(time.first_step, time.n_functions):
        made.add(one, step, "", _WIDE)
    if time.renewals.every:
        made.add(one, RENEWAL, "", _WIDE)
        made.add(theirs, RENEWAL, "strata")
    return made.put(time, offset)


def _acting(time: TimeFunctions) -> list[int]:
    """The functions of time that the score's effect has."""
    return [
        ONE,
        *([FADING] if np.isfinite(time.half_life) else []),
        *([RENEWAL] if time.renewals.every else []),
    ]


def _scores(customers: np.ndarray) -> np.ndarray:
    """Positions of the levels, with mean 0 and standard deviation 1 over the customers."""
    share = customers.sum(axis=1) / max(customers.sum(), 1)
    position = np.arange(len(customers)) - share @ np.arange(len(customers))
    spread = float(np.sqrt(share @ position**2))
    scaled: np.ndarray = position / (spread if spread > 0 else 1.0)
    return scaled


def _categories(strata: pd.DataFrame) -> np.ndarray:
    """Indicators of each variable's categories where there are several variables, and of each stratum."""
    parts = [pd.get_dummies(strata[name].astype(str)).to_numpy(float) for name in strata.columns]
    return np.hstack([*(parts if len(parts) > 1 else []), np.eye(len(strata))])


class _Columns:
    """Collects columns with their function of time and block."""

    def __init__(self) -> None:
        self.parts: list[np.ndarray] = []
        self.functions: list[np.ndarray] = []
        self.blocks: list[np.ndarray] = []
        self.usual: list[np.ndarray] = []
        self.n_blocks = 0

    def add(self, columns: np.ndarray, function: int | np.ndarray, kind: str, usual: float = 0.0) -> None:
        """Add columns: of a block by themselves, or each free where no kind is named."""
        columns = columns.reshape(len(columns), -1)
        if not columns.shape[1]:
            return
        n = columns.shape[1]
        self.parts.append(columns)
        self.functions.append(np.broadcast_to(function, n))
        self.blocks.append(np.full(n, self.n_blocks if kind else FREE))
        self.usual.append(np.full(n, _USUAL[kind] if kind else usual))
        self.n_blocks += bool(kind)

    def put(self, time: TimeFunctions, offset: float) -> Terms:
        """Put them side by side."""
        return Terms(
            time, np.hstack(self.parts), np.concatenate(self.functions), np.concatenate(self.blocks),
            np.concatenate(self.usual), offset,
        )  # fmt: skip
