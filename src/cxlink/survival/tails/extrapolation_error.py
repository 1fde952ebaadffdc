"""How far projected hazards were from what happened, on curves that were followed to their end (design rule 8c).

The hazard of a time t beyond the last observed period T is multiplied by e^δ(t), one δ for a whole path:
δ(t) = z₀·σ₀ + z₁·κ·log(t/T) + b·log(t/T), z₀ and z₁ standard normal. The constants are estimated from the rows of
``data/published/extrapolation_errors.csv``; what they are for one cohort, its own earlier origins say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import pandas as pd
from scipy.optimize import nnls

TABLE = "extrapolation_errors"


@dataclass(frozen=True, slots=True)
class Errors:
    """Constants of the extrapolation error.

    Attributes
    ----------
    level : float
        σ₀: standard deviation of the log hazard's error, there at T already.
    growth : float
        κ: standard deviation of what is added per unit of log(t/T).
    drift : float
        b: mean error per unit of log(t/T).
    """

    level: float
    growth: float
    drift: float

    def times(self, factor: float) -> "Errors":
        """The same with its standard deviations multiplied."""
        return Errors(self.level * factor, self.growth * factor, self.drift)


def errors_from(table: pd.DataFrame) -> Errors:
    """Estimate the constants from errors of projections, each source counting the same.

    Parameters
    ----------
    table : DataFrame
        ``source, followed, begin, end, log_ratio``: log of the actual over the projected cumulative hazard between
        two times, of a projection from ``followed`` periods; all times in the same unit.

    Returns
    -------
    Errors
        b by least squares through the origin, pulled to 0 by as much as it differs between sources; σ₀² and κ² by
        least squares of squared errors, neither below 0.
    """
    weight = 1 / table.groupby("source")["log_ratio"].transform("size").to_numpy(float)
    x = np.log((table["begin"] + table["end"]).to_numpy(float) / 2 / table["followed"].to_numpy(float))
    error = table["log_ratio"].to_numpy(float)
    drift = _drift(table["source"].to_numpy(), x, error)
    root = np.sqrt(weight)
    design = np.column_stack([np.ones(len(x)), x**2])
    (level, growth), _ = nnls(design * root[:, None], (error - drift * x) ** 2 * root)
    return Errors(float(np.sqrt(level)), float(np.sqrt(growth)), drift)


def _drift(source: np.ndarray, x: np.ndarray, error: np.ndarray) -> float:
    own = np.array(
        [x[source == s] @ error[source == s] / (x[source == s] @ x[source == s]) for s in np.unique(source)]
    )
    mean = float(own.mean())
    spread = float(own.var(ddof=1) / len(own)) if len(own) > 1 else mean**2
    return mean * max(0.0, 1 - spread / mean**2) if mean else 0.0


@cache
def published_errors() -> Errors:
    """Constants from all published curves."""
    return errors_from(published_table())


def published_table() -> pd.DataFrame:
    """Rows of ``data/published/extrapolation_errors.csv``."""
    with as_file(files("cxlink") / "published" / f"{TABLE}.csv") as path:
        return pd.read_csv(path)


@dataclass(frozen=True, slots=True)
class PublishedError:
    """What projecting so far was worth on curves that were followed to their end.

    Attributes
    ----------
    times : float
        Times follow-up at which projections were compared: the farthest with rows, up to those asked for.
    error : float
        Root mean square of the log of the actual over the projected hazard there, each source counting the same.
    curves, sources : int
        That were followed so far.
    """

    times: float
    error: float
    curves: int
    sources: int


def published_error_at(table: pd.DataFrame, times: float) -> PublishedError:
    """Look up what projecting to so many times follow-up was worth.

    Parameters
    ----------
    table : DataFrame
        Rows of ``data/published/extrapolation_errors.csv``.
    times : float
        The horizon over follow-up.
    """
    reached = (table["begin"] + table["end"]) / 2 / table["followed"]
    steps = np.unique((reached * 4).round() / 4)
    step = max([s for s in steps if s <= times], default=float(steps.min()))
    rows = table[(reached * 4).round() / 4 == step]
    squares = (rows["log_ratio"] ** 2).groupby(rows["source"]).mean()
    curves = len(rows[["source", "curve"]].drop_duplicates())
    return PublishedError(float(step), float(np.sqrt(squares.mean())), curves, len(squares))


@dataclass(frozen=True, slots=True, eq=False)
class ErrorPaths:
    """Draws of the error, one path a level.

    Attributes
    ----------
    errors : Errors
        Its constants.
    last : ndarray of shape (n_levels,)
        T of each level, in periods.
    at_last, growing : ndarray of shape (n_levels, n_draws)
        z₀ and z₁, times the factor.
    """

    errors: Errors
    last: np.ndarray
    at_last: np.ndarray
    growing: np.ndarray

    def at(self, begin: np.ndarray, end: np.ndarray, draws: slice = slice(None)) -> np.ndarray:
        """δ in steps of time: 0 in those that begin before T.

        Returns
        -------
        ndarray of shape (n_levels, n_steps, n_draws)
        """
        x = _since(begin, end, self.last)
        growing = self.errors.growth * self.growing[:, None, draws] + self.errors.drift
        path: np.ndarray = growing * x[:, :, None]
        path += self.errors.level * self.at_last[:, None, draws] * (x > 0)[:, :, None]
        return path

    def centre(self, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Its mean b·log(t/T), of shape (n_levels, n_steps)."""
        return self.errors.drift * _since(begin, end, self.last)


def _since(begin: np.ndarray, end: np.ndarray, last: np.ndarray) -> np.ndarray:
    """log(t/T) at the middles of steps beyond T, 0 before: (n_levels, n_steps)."""
    x: np.ndarray = np.log((begin + end) / 2 / last[:, None])
    since: np.ndarray = np.where(begin >= last[:, None], np.maximum(x, 0.0), 0.0)
    return since


def error_paths(
    errors: Errors, last: np.ndarray, factor: np.ndarray, shared: np.ndarray, rng: np.random.Generator
) -> Mapping[str, ErrorPaths]:
    """Draw paths whose errors are correlated between levels.

    Parameters
    ----------
    errors : Errors
        Constants.
    last : ndarray of shape (n_levels,)
        T of each level.
    factor : ndarray of shape (n_draws,)
        Draws of what its standard deviations are multiplied by.
    shared : ndarray of shape (n_draws,)
        Draws of the correlation ρ.
    rng : Generator
        Advanced.

    Returns
    -------
    mapping of str to ErrorPaths
        ``""``: with that correlation; ``shared=0`` and ``shared=1``: with none, and one error for all levels.
    """
    common = rng.standard_normal((2, 1, len(shared)))
    own = rng.standard_normal((2, len(last), len(shared)))
    mixed = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
    names = {"": mixed, "shared=0": own, "shared=1": np.broadcast_to(common, own.shape)}
    return {name: ErrorPaths(errors, np.maximum(last, 1), *(factor * z)) for name, z in names.items()}
