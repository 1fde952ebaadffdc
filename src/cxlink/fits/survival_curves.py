"""From parameters to survival, and from survival to what is reported of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np

from cxlink.cohort.errors import InputError
from cxlink.fits.formulas.model_cells import ModelCells
from cxlink.groups.curves import cumulative_areas
from cxlink.groups.discrete_hazard import EXTINCT

Quantity = Literal["survival", "rmst", "median"]
_BLOCK = 4_000_000
_FARTHEST = 600.0
"""Size of a logarithm up to which its exponential, and a sum of such, is a floating-point number."""


class Curve(Protocol):
    """From parameters to survival: what a hazard model and a parametric family have in common."""

    @property
    def until(self) -> float:
        """The last period that the model says anything of; infinite where it extrapolates."""

    def log_survival(self, theta: np.ndarray, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Log S of parameters (n_draws, n_parameters), rows (n_rows, n_columns) and whole periods (n_times,).

        Returns an array of shape (n_draws, n_rows, n_times).
        """


def refuse_quantity(quantity: str) -> None:
    """Refuse what is no quantity of a curve.

    Raises
    ------
    InputError
        Naming those there are.
    """
    if quantity not in get_args(Quantity):
        raise InputError(f"{quantity!r} is none of {', '.join(get_args(Quantity))}.")


def quantity_of(survival: np.ndarray, quantity: str, times: Sequence[int]) -> np.ndarray:
    """S at times, restricted means to them, or medians, of curves at whole periods from 0 on: (…, n_times)."""
    if quantity == "survival":
        return survival[..., list(times)]
    if quantity == "rmst":
        return cumulative_areas(survival)[..., list(times)]
    return median_time(survival)[..., None]


def median_time(survival: np.ndarray) -> np.ndarray:
    """When a curve reaches one half, log-linear between whole periods; infinite where it does not."""
    below = survival <= 0.5
    after = np.maximum(below.argmax(axis=-1), 1)
    s0 = np.take_along_axis(survival, after[..., None] - 1, axis=-1)[..., 0]
    s1 = np.take_along_axis(survival, after[..., None], axis=-1)[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(s1 > 0, np.log(s0 / 0.5) / np.log(s0 / s1), (s0 - 0.5) / s0)
    return np.where(below.any(axis=-1), after - 1 + part, np.inf)


def row_blocks(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows in blocks, so that memory stays small: ``size`` numbers a row."""
    step = int(np.clip(_BLOCK // max(size, 1), 1, max(len(rows), 1)))
    return [rows[start : start + step] for start in range(0, len(rows), step)]


@dataclass(frozen=True, slots=True, eq=False)
class FreeBaseline:
    """Survival of proportional hazards with a free baseline.

    Attributes
    ----------
    n_effects : int
        Coefficients; the logarithms of the baseline's increments come after them.
    periods : int ndarray of shape (n_increments,)
        In which the baseline rises.
    extinct : int ndarray
        Periods in which all at risk were lost.
    until : float
        Last period with customers at risk.
    """

    n_effects: int
    periods: np.ndarray
    extinct: np.ndarray
    until: float

    def log_survival(self, theta: np.ndarray, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        """−e^{x'β}·Σ_{u ≤ t} e^{α_u}, see `cxlink.fits.retention_model.Curve`.

        The largest α goes with x'β: where a number is far from 0 (a year), each alone is out of range.
        """
        beta, alpha = theta[:, : self.n_effects], theta[:, self.n_effects :]
        largest = alpha.max(axis=1, keepdims=True)
        rises = np.zeros((len(theta), int(max(times.max(initial=0), self.until)) + 1))
        rises[:, self.periods] = np.exp(alpha - largest)
        total = np.cumsum(rises, axis=1)[:, times]
        ratio = np.exp(np.clip(beta @ rows.T + largest, -_FARTHEST, _FARTHEST))
        log_survival: np.ndarray = -ratio[..., None] * total[:, None, :]
        for period in self.extinct:
            log_survival = np.where(times >= period, EXTINCT, log_survival)
        return log_survival


def last_at_risk_of(cells: ModelCells) -> int:
    """Give the last period in which customers of these cells are at risk."""
    at_risk = cells.exit > cells.entry
    return int(cells.exit[at_risk].max(initial=0))


def mean_columns(cells: ModelCells, matrix: np.ndarray) -> np.ndarray:
    """Give the mean of each column over customers, of shape (n_columns,).

    Proportional hazards are fitted to columns less these: the same model, whose logarithms stay small where a number is
    far from 0.
    """
    centre: np.ndarray = cells.weight @ matrix / cells.weight.sum()
    return centre


def normal_draws(covariance: np.ndarray, cells: ModelCells) -> np.ndarray:
    """Normal distances from an estimate, of shape (n_draws, n_parameters), by the spec's seed."""
    analysis = cells.spec.analysis
    values, axes = np.linalg.eigh(covariance)
    rng = np.random.default_rng([analysis.seed, 16])
    normal = rng.standard_normal((analysis.draws, len(values)))
    distances: np.ndarray = (normal * np.sqrt(np.maximum(values, 0.0))) @ axes.T
    return distances
