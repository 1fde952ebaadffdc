"""Expected tenure: cxlink's whole menu of families from counts, and one family at a time by lifelines from the rows."""

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.customers import spec_of
from benchmarks.measure import Measured, timed

REPEATS = 3
LEVELS, PERIODS = 10, 60
FITTERS = (
    "WeibullAFTFitter", "LogNormalAFTFitter", "LogLogisticAFTFitter", "GeneralizedGammaRegressionFitter",
)  # fmt: skip
_SHAPE, _FASTEST, _STEP = 0.8, 0.09, 0.12


def _lost(size: int) -> np.ndarray:
    """Customers of each level lost in each of sixty months and, last, still there: (n_levels, n_periods + 1)."""
    rng = np.random.default_rng(1)
    t = np.arange(PERIODS + 1.0)
    rates = _FASTEST * np.exp(-_STEP * np.arange(LEVELS))
    survival = np.exp(-((rates[:, None] * t) ** _SHAPE))
    chances = np.column_stack([-np.diff(survival), survival[:, -1]])
    sizes = rng.multinomial(size, np.full(LEVELS, 1 / LEVELS))
    return np.array([rng.multinomial(n, chance) for n, chance in zip(sizes, chances, strict=True)])


def ours(size: int) -> dict[str, Measured]:
    """Fit, test, average and project every family to counts, several times; 2,000 draws."""
    from cxlink.cohort.count.spells import Spells
    from cxlink.estimands.model_rows.tenure_estimates import tenure_results

    lost = _lost(size)
    pair, at = np.nonzero(lost)
    levels = np.arange(LEVELS)
    spells = Spells(
        levels=tuple(int(k) + 1 for k in levels),
        strata=pd.DataFrame(index=range(1)),
        causes=("lost",),
        level=levels,
        stratum=np.zeros(LEVELS, int),
        pair=pair,
        entry=np.zeros(len(pair), int),
        exit=np.minimum(at + 1, PERIODS),
        cause=(at < PERIODS).astype(int),
        n=lost[pair, at],
        spend=np.zeros((len(pair), 3)),
    )
    spec = spec_of(spend=False, adjust=())
    found = Measured()
    for _ in range(REPEATS):
        made = timed(lambda: tenure_results(spells, spec, "no", np.random.default_rng(1)), found)
    assert made is not None
    note = f"{len({row['model'] for row in made.rows})} models and averages; {spec.analysis.draws:,} draws"
    return {"ours": Measured(found.seconds, found.cpu_seconds, note=f"{note}; from counts already made")}


def peer(size: int, fitter: str) -> dict[str, Measured]:
    """Fit one of lifelines' regression models to as many rows, once; no projection, no draws."""
    import lifelines

    lost = _lost(size)
    pair, at = np.nonzero(lost)
    n = lost[pair, at]
    rows = pd.get_dummies(pd.Series(np.repeat(pair + 1, n), name="score"), prefix="score", dtype=float)
    rows = rows.drop(columns="score_1")
    month = np.repeat(at, n)
    # a loss in month t fell between t - 1 and t
    low, high = month.astype(float), np.where(month < PERIODS, month + 1.0, np.inf)
    model = getattr(lifelines, fitter)()
    extra: dict[str, Any] = {}
    if fitter == "GeneralizedGammaRegressionFitter":
        # the score on the location alone, as in the others
        extra["regressors"] = {"mu_": " + ".join(rows.columns), "sigma_": "1", "lambda_": "1"}
    table = rows.assign(low=low, high=high)
    found = Measured()
    try:
        fit = timed(lambda: model.fit_interval_censoring(table, "low", "high", **extra), found)
    except lifelines.exceptions.ConvergenceError:
        return {"peer": Measured(note="did not converge (interval-censored, as cxlink's)")}
    note = f"one family, interval-censored as cxlink's; AIC {fit.AIC_:,.1f}; no draws"
    return {"peer": Measured(found.seconds, found.cpu_seconds, note=note)}
