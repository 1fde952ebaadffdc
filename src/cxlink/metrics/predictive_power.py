"""Which coding of the same answers predicts the outcome best, out of sample.

Four codings are compared with none: the class of the net promoter score, the top two boxes, the answer as a number (a
mean is a sum of such), and every answer by itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from cxlink.cohort.count.spells import PersonPeriods, Spells, each_pair, person_periods, risk_sets
from cxlink.cohort.spec.spec_sections import Effect
from cxlink.spend.spend_cells import SpendCells
from cxlink.survival.proportional_hazards.effect_shapes import FOLDS, log_score

NO_SCORE, LINEAR, FULL = "no_score", "linear", "full_score"
_ALONE = 1e-9


@dataclass(frozen=True, slots=True)
class CodingGain:
    """How much better a coding of the answers predicts an outcome than a model without the score does.

    Attributes
    ----------
    coding : str
        ``nps_class``, ``top_two_box``, ``linear`` or ``full_score``.
    gain, std_error : float
        Mean out-of-sample log score of a customer, less that without the score (nats), and its standard error.
    over_full, over_full_error : float
        The same, less that of the full score (each level by itself).
    n : int
        Customers averaged over.
    """

    coding: str
    gain: float
    std_error: float
    over_full: float
    over_full_error: float
    n: int


def retention_gains(
    spells: Spells, classes: Mapping[str, tuple[int, ...]], rng: np.random.Generator
) -> list[CodingGain]:
    """Compare codings of the answers by the log score of the time to loss, in five-fold cross-validation.

    Grouped proportional hazards with a free baseline, strata additive, and the coding; customers are allocated to
    five folds at random, and each fold is predicted from the other four, as in `effect_shapes.predictions`.

    Parameters
    ----------
    spells : Spells
        The cohort.
    classes : mapping of str to tuple of int
        For each coding, the class of each of `Spells.levels`.
    rng : Generator
        Draws the folds; advanced.

    Returns
    -------
    list of CodingGain
        Empty where a fold cannot be fitted.
    """
    pooled = (0,) * len(spells.levels)
    free = tuple(range(len(spells.levels)))
    codings: dict[str, tuple[tuple[int, ...], Effect]] = {NO_SCORE: (pooled, "levels")}
    codings |= {name: (of, "levels") for name, of in classes.items()}
    codings |= {LINEAR: (free, "linear"), FULL: (free, "levels")}
    recoded = {name: (*_recoded(spells, of), effect) for name, (of, effect) in codings.items()}
    folds = rng.multinomial(spells.n, np.full(FOLDS, 1 / FOLDS)).T
    sums = np.zeros((4, len(codings)))
    for fold in folds:
        if not fold.any():
            continue
        scores = np.empty((len(codings), len(spells.n)))
        for k, (again, order, effect) in enumerate(recoded.values()):
            score = _test_scores(again, fold[order], effect)
            if score is None:
                return []
            scores[k, order] = score
        gain, over_full = scores - scores[0], scores - scores[-1]
        sums += [gain @ fold, gain**2 @ fold, over_full @ fold, over_full**2 @ fold]
    return _gains(list(codings), sums, int(spells.n.sum()))


def _gains(names: list[str], sums: np.ndarray, n: int) -> list[CodingGain]:
    """Means and standard errors from Σ and Σ² of both differences, (4, n_codings); the first has no score."""
    means = sums[::2] / n
    errors = np.sqrt(np.maximum(sums[1::2] / n - means**2, 0.0) / max(n - 1, 1))
    columns = (means[0], errors[0], means[1], errors[1])
    gain, error, over_full, over_full_error = (column.tolist() for column in columns)
    return [
        CodingGain(name, gain[k], error[k], over_full[k], over_full_error[k], n)
        for k, name in enumerate(names)
        if k > 0
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


def _test_scores(spells: Spells, test: np.ndarray, effect: Effect) -> np.ndarray | None:
    """Log score of a customer of each spell, predicted from the customers outside the fold ``test``, (n_spells,)."""
    periods, count = person_periods(spells), risk_sets(spells, each_pair(spells))
    at_risk, lost = count(spells.n - test)
    train = PersonPeriods(periods.levels, periods.strata, periods.level, periods.stratum, at_risk, lost)
    return log_score(train, spells, effect)


def spend_gains(cells: SpendCells, classes: Mapping[str, tuple[int, ...]]) -> list[CodingGain]:
    """Compare codings of the answers by the log score of spend, leaving out one customer at a time.

    Least squares on strata and the coding. Leaving one customer of cell g out moves the fit so that its error is
    (y − μ_g)/(1 − h_g) with leverage h_g, which is the same for all customers of a cell: so the sum over customers is
    exact from n, Σy and Σy². The log score is of a normal distribution whose variance, the same for all codings, is
    the mean square of these errors with each level by itself: gain = (e₀² − e²)/(2σ²). Customers of leverage 1 are
    left out for all codings.

    Parameters
    ----------
    cells : SpendCells
        The cohort.
    classes : mapping of str to tuple of int
        For each coding, the class of each of the levels.

    Returns
    -------
    list of CodingGain
        Empty where nothing can be compared.
    """
    n_levels = len(cells.levels)
    codings = {name: np.eye(max(of) + 1)[list(of)] for name, of in classes.items()}
    codings = {NO_SCORE: np.ones((n_levels, 1)), **codings, LINEAR: np.array(cells.levels, float)[:, None]}
    codings[FULL] = np.eye(n_levels)
    strata = np.eye(len(cells.strata))[cells.stratum]
    fits = {
        name: _fitted(cells, np.column_stack([columns[cells.level], strata]))
        for name, columns in codings.items()
    }
    used = np.all([1 - leverage > _ALONE for _, leverage in fits.values()], axis=0)
    n = cells.n[used]
    total = int(n.sum())
    if total < 2:
        return []
    own = cells.total[used] / n
    within = np.maximum(cells.squares[used] - cells.total[used] * own, 0.0)
    squared = {
        name: _squared_error(own - mean[used], leverage[used]) for name, (mean, leverage) in fits.items()
    }
    variance = float((squared[FULL][0] * within + squared[FULL][2] * n).sum() / total)
    if not variance > 0:
        return []
    sums = np.array([
        [*_difference(squared[NO_SCORE] - square, n, within), *_difference(squared[FULL] - square, n, within)]
        for square in squared.values()
    ]).T  # fmt: skip
    unit = 2 * variance
    return _gains(list(codings), sums / np.array([unit, unit**2, unit, unit**2])[:, None], total)


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
