"""Other packages on the rows: each fits from a frame that is in memory already, the same model as `ours`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import Measured, timed

SAMPLED = {("hazards", "statsmodels GLM"): 20_000}
"""Fits that a million rows are too many for: on so many of the first customers."""


def run(path: str, what: str, program: str) -> dict[str, Measured]:
    """Fit one model with one package, once."""
    rows = _rows(path).iloc[: SAMPLED.get((what, program))]
    found = Measured()
    estimate, std_error, note = _FITS[what, program](rows, found)
    return {"peer": Measured(found.seconds, found.cpu_seconds, estimate, std_error, note=note)}


def programs(what: str) -> list[str]:
    """Name the packages that fit a model."""
    return [program for fitted, program in _FITS if fitted == what]


def _rows(path: str) -> pd.DataFrame:
    """Customers with a score, as the data frame of an analyst."""
    rows = pd.read_parquet(path, columns=["score", "months", "churned", "plan", "region", "annual_spend"])
    rows = rows[rows["score"].notna()].reset_index(drop=True)
    return rows.astype({"score": "float64", "months": "float64", "churned": "int64"})


def _covariates(rows: pd.DataFrame, *categories: str) -> pd.DataFrame:
    """Score as a number, and a column for each category but the first."""
    return pd.get_dummies(rows[["score", *categories]], drop_first=True, dtype=float)


Found = tuple[float, float, str]


def _lifelines_curves(rows: pd.DataFrame, into: Measured) -> Found:
    from lifelines import KaplanMeierFitter

    def work() -> dict[float, Any]:
        return {
            level: KaplanMeierFitter().fit(group["months"], group["churned"])
            for level, group in rows.groupby("score")
        }

    best = timed(work, into)[10.0]
    table = best.event_table.loc[1:12]
    return float(best.predict(12)), _greenwood(table["at_risk"], table["observed"]), ""


def _greenwood(at_risk: pd.Series, lost: pd.Series) -> float:
    survival = float(np.prod(1 - lost / at_risk))
    return survival * float(np.sqrt((lost / (at_risk * (at_risk - lost))).sum()))


def _sksurv_curves(rows: pd.DataFrame, into: Measured) -> Found:
    from sksurv.nonparametric import kaplan_meier_estimator

    def work() -> dict[float, Any]:
        return {
            level: kaplan_meier_estimator(group["churned"] == 1, group["months"], conf_type="log-log")
            for level, group in rows.groupby("score")
        }

    times, survival, (low, high) = timed(work, into)[10.0]
    at = int(np.flatnonzero(times == 12)[0])
    spread = np.diff(np.log(-np.log([high[at], low[at]])))[0] / (2 * 1.959963984540054)
    return float(survival[at]), float(-survival[at] * np.log(survival[at]) * spread), ""


def _statsmodels_curves(rows: pd.DataFrame, into: Measured) -> Found:
    from statsmodels.duration.survfunc import SurvfuncRight

    def work() -> dict[float, Any]:
        return {
            level: SurvfuncRight(group["months"], group["churned"]) for level, group in rows.groupby("score")
        }

    best = timed(work, into)[10.0]
    at = int(np.flatnonzero(best.surv_times == 12)[0])
    return float(best.surv_prob[at]), float(best.surv_prob_se[at]), ""


_EFRON = "Efron's approximation for the ties of whole months"


def _lifelines_hazards(rows: pd.DataFrame, into: Measured) -> Found:
    from lifelines import CoxPHFitter

    table = _covariates(rows, "plan").assign(months=rows["months"], churned=rows["churned"])
    fit = timed(lambda: CoxPHFitter().fit(table, "months", "churned"), into)
    return float(fit.params_["score"]), float(fit.standard_errors_["score"]), _EFRON


def _sksurv_hazards(rows: pd.DataFrame, into: Measured) -> Found:
    from sksurv.linear_model import CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    x, y = _covariates(rows, "plan"), Surv.from_arrays(rows["churned"] == 1, rows["months"])
    fit = timed(lambda: CoxPHSurvivalAnalysis(ties="efron").fit(x, y), into)
    return float(fit.coef_[0]), float("nan"), f"{_EFRON}; gives no standard errors"


def _statsmodels_hazards(rows: pd.DataFrame, into: Measured) -> Found:
    from statsmodels.duration.hazard_regression import PHReg

    x = _covariates(rows, "plan").to_numpy()
    fit = timed(
        lambda: PHReg(rows["months"].to_numpy(), x, rows["churned"].to_numpy(), ties="efron").fit(), into
    )
    return float(fit.params[0]), float(fit.bse[0]), _EFRON


def _person_period_glm(rows: pd.DataFrame, into: Measured) -> Found:
    import statsmodels.api as sm

    def work() -> Any:
        each = rows.loc[rows.index.repeat(rows["months"].astype(int))]
        month = each.groupby(level=0).cumcount() + 1
        lost = ((month == each["months"]) & (each["churned"] == 1)).to_numpy(float)
        baseline = pd.get_dummies(month, dtype=float).to_numpy()
        x = np.hstack([_covariates(each, "plan").to_numpy(), baseline])
        return sm.GLM(lost, x, family=sm.families.Binomial(sm.families.links.CLogLog())).fit()

    fit = timed(work, into)
    return float(fit.params[0]), float(fit.bse[0]), f"{len(rows):,} customers, a row for each of their months"


def _lifelines_weibull(rows: pd.DataFrame, into: Measured) -> Found:
    from lifelines import WeibullAFTFitter

    lost = rows["churned"] == 1
    table = pd.get_dummies(rows["score"].astype(int), prefix="score", drop_first=True, dtype=float)
    # a loss in month t fell between t - 1 and t
    table["low"], table["high"] = (
        np.where(lost, rows["months"] - 1, rows["months"]),
        np.where(lost, rows["months"], np.inf),
    )
    fit = timed(lambda: WeibullAFTFitter().fit_interval_censoring(table, "low", "high"), into)
    shape = float(np.exp(fit.params_["rho_", "Intercept"]))
    return shape, shape * float(fit.standard_errors_["rho_", "Intercept"]), "interval-censored, as cxlink's"


def _statsmodels_poisson(rows: pd.DataFrame, into: Measured) -> Found:
    import statsmodels.api as sm

    x = sm.add_constant(_covariates(rows, "plan", "region")).to_numpy()
    y = rows["annual_spend"].to_numpy()
    fit = timed(lambda: sm.GLM(y, x, family=sm.families.Poisson()).fit(cov_type="HC0"), into)
    return float(fit.params[1]), float(fit.bse[1]), "robust errors (HC0)"


_FITS: dict[tuple[str, str], Callable[[pd.DataFrame, Measured], Found]] = {
    ("kaplan_meier", "lifelines"): _lifelines_curves,
    ("kaplan_meier", "scikit-survival"): _sksurv_curves,
    ("kaplan_meier", "statsmodels"): _statsmodels_curves,
    ("hazards", "lifelines"): _lifelines_hazards,
    ("hazards", "scikit-survival"): _sksurv_hazards,
    ("hazards", "statsmodels"): _statsmodels_hazards,
    ("hazards", "statsmodels GLM"): _person_period_glm,
    ("weibull", "lifelines"): _lifelines_weibull,
    ("poisson", "statsmodels"): _statsmodels_poisson,
}
