"""Constants of the extrapolation error, estimated from published curves that were followed to their end.

Rows of ``data/published/extrapolation_errors.csv``, which `validation.extrapolation.error_table` makes.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from cxlink.survival.tails.extrapolation_error import Errors

TABLE = "extrapolation_errors"
FEWEST_PERIODS = 5
"""Four losses in a row tell hardly a slope: projections from fewer periods have larger errors, and constants apart."""


def errors_from(table: pd.DataFrame) -> Errors:
    """Estimate the constants from errors of projections, each source counting the same.

    Parameters
    ----------
    table : DataFrame
        ``source, curve, followed, begin, end, log_ratio``: log of the actual over the projected cumulative hazard
        between two times, of a projection from ``followed`` periods; all times in the same unit.

    Returns
    -------
    Errors
        b by least squares through the origin, pulled to 0 by as much as it differs between sources; ω² the scatter
        of a projection's windows around their straight line in log time; σ₀² and κ² by least squares of the products
        of each two errors of a projection, ω² taken from the squares, neither below 0.
    """
    x = np.log((table["begin"] + table["end"]).to_numpy(float) / 2 / table["followed"].to_numpy(float))
    drift = _drift(table["source"].to_numpy(), x, table["log_ratio"].to_numpy(float))
    left = table[["source", "curve", "followed"]].assign(x=x, error=table["log_ratio"] - drift * x)
    by_source: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for (source, _, _), rows in left.groupby(["source", "curve", "followed"], sort=True):
        by_source.setdefault(str(source), []).append((rows["x"].to_numpy(), rows["error"].to_numpy()))
    irregular = _scatter(by_source.values())
    design, product, weight = (
        np.concatenate(one) for one in zip(*_products(by_source.values(), irregular), strict=True)
    )
    root = np.sqrt(weight)
    (level, growth), _ = nnls(design * root[:, None], product * root)
    return Errors(float(np.sqrt(level)), float(np.sqrt(growth)), drift, float(np.sqrt(irregular)))


_Projections = Collection[list[tuple[np.ndarray, np.ndarray]]]
"""By source: log(t/T) and error of the windows of each projection."""


def _scatter(sources: _Projections) -> float:
    """Mean square around straight lines of projections with three windows or more, each source counting the same."""
    means = []
    for projections in sources:
        own = [_around_line(x, error) for x, error in projections if len(x) > 2]
        means += [float(np.mean(own))] if own else []
    return float(np.mean(means)) if means else 0.0


def _around_line(x: np.ndarray, error: np.ndarray) -> float:
    line = np.column_stack([np.ones(len(x)), x])
    left = error - line @ np.linalg.lstsq(line, error, rcond=None)[0]
    return float(left @ left) / (len(x) - 2)


def _products(sources: _Projections, irregular: float) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """What multiplies σ₀² and κ², products of errors without ω², and weights, a source at a time."""
    for projections in sources:
        design, product = [], []
        for x, error in projections:
            i, j = np.tril_indices(len(x))
            design.append(np.column_stack([np.ones(len(i)), x[i] * x[j]]))
            product.append(error[i] * error[j] - irregular * (i == j))
        n = sum(map(len, product))
        yield np.concatenate(design), np.concatenate(product), np.full(n, 1 / n)


def _drift(source: np.ndarray, x: np.ndarray, error: np.ndarray) -> float:
    own = np.array(
        [x[source == s] @ error[source == s] / (x[source == s] @ x[source == s]) for s in np.unique(source)]
    )
    mean = float(own.mean())
    spread = float(own.var(ddof=1) / len(own)) if len(own) > 1 else mean**2
    return mean * max(0.0, 1 - spread / mean**2) if mean else 0.0


def published_errors(followed: int) -> Errors:
    """Constants from all published curves, for a cohort that was followed for so many periods."""
    return _constants(followed < FEWEST_PERIODS)


@cache
def _constants(few: bool) -> Errors:
    return errors_from(followed_alike(published_table(), 1 if few else FEWEST_PERIODS))


def followed_alike(table: pd.DataFrame, followed: int) -> pd.DataFrame:
    """Keep the projections from fewer than `FEWEST_PERIODS` periods, or those from as many or more, as a cohort's is.

    Parameters
    ----------
    table : DataFrame
        Rows of ``data/published/extrapolation_errors.csv``.
    followed : int
        Periods that the cohort was followed for.
    """
    return table[(table["followed"] < FEWEST_PERIODS) == (followed < FEWEST_PERIODS)]


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
