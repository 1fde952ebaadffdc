"""Which coding of the same answers predicts best what customers do next, on customers held out.

Four codings are compared with none: the class of the net promoter score, the top two boxes, the answer as a number (a
mean is a sum of such), and every answer by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods, Spells, each_pair, person_periods, risk_sets
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.spend.spend_cells import SpendCells
from cxlink.survival.hazards.proportionality import FOLDS, log_score

NO_SCORE, LINEAR, FULL = "no_score", "linear", "full_score"
_ALONE = 1e-9


@dataclass(frozen=True, slots=True)
class Told:
    """How much better a coding of the answers predicts an outcome than no answer does.

    Attributes
    ----------
    reading : str
        ``nps_class``, ``top_two_box``, ``linear`` or ``full_score``.
    gain, std_error : float
        Mean log score of a customer held out, less that without the score (nats), and its standard error.
    ahead, ahead_error : float
        The same, less that of every answer by itself.
    n : int
        Customers it is a mean over.
    """

    reading: str
    gain: float
    std_error: float
    ahead: float
    ahead_error: float
    n: int


def told_of_retention(
    spells: Spells, classes: Mapping[str, tuple[int, ...]], rng: np.random.Generator
) -> list[Told]:
    """Compare codings of the answers by the log score of the time that customers stay.

    Grouped proportional hazards with a free baseline, strata additive, and the coding; every customer falls into one
    of five folds at random, and each fold is predicted from the others, as in `proportionality.predictions`.

    Parameters
    ----------
    spells : Spells
        The cohort.
    classes : mapping of str to tuple of int
        Of each coding by classes, the class of each of `Spells.levels`.
    rng : Generator
        Draws the folds; advanced.

    Returns
    -------
    list of Told
        Empty where a fold cannot be fitted.
    """
    one = (0,) * len(spells.levels)
    free = tuple(range(len(spells.levels)))
    read: dict[str, tuple[tuple[int, ...], Effect]] = {NO_SCORE: (one, "levels")}
    read |= {name: (of, "levels") for name, of in classes.items()}
    read |= {LINEAR: (free, "linear"), FULL: (free, "levels")}
    recoded = {name: (*_recoded(spells, of), effect) for name, (of, effect) in read.items()}
    folds = rng.multinomial(spells.n, np.full(FOLDS, 1 / FOLDS)).T
    sums = np.zeros((4, len(read)))
    for held in folds:
        if not held.any():
            continue
        found = np.empty((len(read), len(spells.n)))
        for k, (again, order, effect) in enumerate(recoded.values()):
            scored = _held_out(again, held[order], effect)
            if scored is None:
                return []
            found[k, order] = scored
        more, ahead = found - found[0], found - found[-1]
        sums += [more @ held, more**2 @ held, ahead @ held, ahead**2 @ held]
    return _told(list(read), sums, int(spells.n.sum()))


def _told(names: list[str], sums: np.ndarray, n: int) -> list[Told]:
    """Means and their standard errors from Σ and Σ² of both differences, (4, n_codings); the first is no score."""
    means = sums[::2] / n
    errors = np.sqrt(np.maximum(sums[1::2] / n - means**2, 0.0) / max(n - 1, 1))
    columns = (means[0], errors[0], means[1], errors[1])
    gain, error, ahead, ahead_error = (column.tolist() for column in columns)
    return [
        Told(name, gain[k], error[k], ahead[k], ahead_error[k], n) for k, name in enumerate(names) if k > 0
    ]


def _recoded(spells: Spells, of: tuple[int, ...]) -> tuple[Spells, np.ndarray]:
    """Spells whose levels are classes of the old ones, and the order in which they then stand."""
    level = np.array(of)[spells.level]
    keys = level[spells.pair] * len(spells.strata) + spells.stratum[spells.pair]
    pairs, pair = np.unique(keys, return_inverse=True)
    order = np.argsort(pair, kind="stable")
    columns = {name: getattr(spells, name)[order] for name in ("entry", "exit", "cause", "n", "spend")}
    levels = tuple(range(max(of) + 1)) if len(set(of)) < len(of) else spells.levels
    again = replace(
        spells, levels=levels, level=pairs // len(spells.strata), stratum=pairs % len(spells.strata),
        pair=pair.ravel()[order], **columns,
    )  # fmt: skip
    return again, order


def _held_out(spells: Spells, held: np.ndarray, effect: Effect) -> np.ndarray | None:
    """Log score of a customer of each spell, predicted from those who are not held out."""
    periods, count = person_periods(spells), risk_sets(spells, each_pair(spells))
    at_risk, lost = count(spells.n - held)
    train = PersonPeriods(periods.levels, periods.strata, periods.level, periods.stratum, at_risk, lost)
    return log_score(train, spells, effect)


def told_of_spend(cells: SpendCells, classes: Mapping[str, tuple[int, ...]]) -> list[Told]:
    """Compare codings of the answers by the log score of what customers spend, each left out in turn.

    Least squares on strata and the coding. Leaving one customer of cell g out moves the fit so that its error is
    (y − μ_g)/(1 − h_g) with leverage h_g, which is the same for all customers of a cell: so the sum over customers is
    exact from n, Σy and Σy². The log score is of a normal distribution whose variance, the same for all codings, is
    the mean square of these errors with every answer by itself: gain = (e₀² − e²)/(2σ²). Customers who alone decide
    their own fit are left out for all codings.

    Parameters
    ----------
    cells : SpendCells
        The cohort.
    classes : mapping of str to tuple of int
        Of each coding by classes, the class of each of the levels.

    Returns
    -------
    list of Told
        Empty where nothing can be compared.
    """
    n_levels = len(cells.levels)
    read = {name: np.eye(max(of) + 1)[list(of)] for name, of in classes.items()}
    read = {NO_SCORE: np.ones((n_levels, 1)), **read, LINEAR: np.array(cells.levels, float)[:, None]}
    read[FULL] = np.eye(n_levels)
    strata = np.eye(len(cells.strata))[cells.stratum]
    fits = {
        name: _fitted(cells, np.column_stack([columns[cells.level], strata]))
        for name, columns in read.items()
    }
    kept = np.all([1 - leverage > _ALONE for _, leverage in fits.values()], axis=0)
    n = cells.n[kept]
    total = int(n.sum())
    if total < 2:
        return []
    own = cells.total[kept] / n
    within = np.maximum(cells.squares[kept] - cells.total[kept] * own, 0.0)
    squared = {
        name: _squared_error(own - mean[kept], leverage[kept]) for name, (mean, leverage) in fits.items()
    }
    variance = float((squared[FULL][0] * within + squared[FULL][2] * n).sum() / total)
    if not variance > 0:
        return []
    sums = np.array([
        [*_difference(squared[NO_SCORE] - one, n, within), *_difference(squared[FULL] - one, n, within)]
        for one in squared.values()
    ]).T  # fmt: skip
    unit = 2 * variance
    return _told(list(read), sums / np.array([unit, unit**2, unit, unit**2])[:, None], total)


def _squared_error(off: np.ndarray, leverage: np.ndarray) -> np.ndarray:
    """((z + δ)/(1 − h))² as a + b·z + c·z² of each cell, rows c, b, a; z is the spend about the cell's own mean."""
    scale = 1 / (1 - leverage) ** 2
    return np.array([scale, 2 * scale * off, scale * off**2])


def _difference(between: np.ndarray, n: np.ndarray, within: np.ndarray) -> tuple[float, float]:
    """Σ and Σ² over customers of a + b·z + c·z², of each cell, from n and Σz².

    The c of two errors differ by the leverages only, of order 1/n: within a cell z² is taken at its mean, and what it
    scatters is left out.
    """
    square, slope, level = between
    mean = level + square * within / n
    return float((n * mean).sum()), float((slope**2 * within + n * mean**2).sum())


def _fitted(cells: SpendCells, design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of each cell by least squares over customers, and the leverage of one customer in it."""
    inverse = np.linalg.pinv(design.T @ (cells.n[:, None] * design), rcond=1e-12, hermitian=True)
    mean = design @ (inverse @ (design.T @ cells.total))
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    return mean, leverage
