"""What models fitted to so many customers gain among all others: the truth of gains out of sample, by plain sums."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from cxlink.metrics.drivers.additive_models import log_scores, logistic, poisson
from cxlink.metrics.drivers.joint_cells import Design, JointCells, design_of, joint_cells
from cxlink.metrics.drivers.shapley_sums import comparisons
from validation.driver_law import driver_law

FURTHER, MANY, SEED = 200, 10_000_000, 20261202
"""Further cohorts that models are fitted to; customers, in their expected numbers, among whom these predict."""
FITTED = {"retention": 0.8, "spend": 1.0}
"""Share of a cohort that its models are fitted to: four of five folds, all but one customer."""
Truths = dict[tuple[str, str, str], tuple[float, float]]


@cache
def gains_of(customers: int) -> Truths:
    """Give the mean gain of models fitted in cohorts of so many customers, and its Monte Carlo error.

    Parameters
    ----------
    customers : int
        Of a cohort; its models of retention are fitted to four fifths of them.

    Returns
    -------
    dict
        By outcome, comparison and score (empty: the whole), in thousandths of a nat and in the unit of spend.
    """
    rng, found = np.random.default_rng([SEED, customers]), {}
    for outcome, share in FITTED.items():
        drawn = np.array([_one(outcome, round(share * customers), rng) for _ in range(FURTHER)])
        asked, names = comparisons(len(_everybody().scores)), [one.name for one in _everybody().scores]
        for (version, j), values in zip(asked.names, drawn.T, strict=True):
            error = float(values.std(ddof=1) / np.sqrt(FURTHER))
            found[outcome, version, names[j] if j >= 0 else ""] = float(values.mean()), error
    return found


def _one(outcome: str, customers: int, rng: np.random.Generator) -> np.ndarray:
    """Fit all models to customers drawn, and compare how they predict everybody; (n_comparisons,)."""
    score: Callable[[Design, pd.DataFrame], float] = {"retention": _log_score, "spend": _deviance}[outcome]
    cells, drawn = _everybody(), _laid_out(customers, rng)
    asked = comparisons(len(cells.scores))
    reached = [
        score(design_of([*cells.strata, *(cells.scores[j] for j in one)], len(cells.n)), drawn)
        for one in asked.sets
    ]
    return np.asarray(asked.weights @ np.array(reached))


@cache
def _everybody() -> JointCells:
    counts = driver_law().expected(MANY)
    assert counts.drivers is not None
    return joint_cells(counts.drivers, counts.spec)


def _laid_out(customers: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw customers, and give their sums in the cells of everybody."""
    drivers = driver_law().drawn(customers, rng).drivers
    assert drivers is not None
    keys = [*drivers.scores, "stratum.plan"]
    return _everybody().table[keys].merge(drivers.cells, on=keys, how="left").fillna(0.0)


def _log_score(design: Design, drawn: pd.DataFrame) -> float:
    """Mean log score of retention among everybody, by a logistic model of the customers drawn."""
    own, everybody = (
        [design.add_up(table[name].to_numpy(float)) for name in ("retained_weight", "lost_weight")]
        for table in (drawn, _everybody().table)
    )
    scores = log_scores(logistic(design, *own).eta)
    total = sum(float(n @ one) for n, one in zip(everybody, scores, strict=True))
    return 1000 * total / float(sum(n.sum() for n in everybody))


def _deviance(design: Design, drawn: pd.DataFrame) -> float:
    """Mean fall of the Poisson deviance of spend among everybody, by a model of the customers drawn."""
    own, (n, total) = (
        [design.add_up(table[name].to_numpy(float)) for name in ("spend_n", "spend_sum")]
        for table in (drawn, _everybody().table)
    )
    eta = poisson(design, *own).eta
    return float(2 * (total @ eta - n @ np.exp(eta)) / n.sum())
