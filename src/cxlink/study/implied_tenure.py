"""Expected tenure implied by the published one-year retention of 43 % and 74 %."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.integrate import simpson
from scipy.optimize import brentq
from scipy.special import betaln, gamma

from cxlink.estimands.e_values import e_value
from cxlink.study.published import Kriss, kriss

SENSITIVE_POLARISATION = 0.15
CONSTANT = ("exponential", "geometric", "geometric_with_current_year")
"""Duration conventions at a constant rate of loss."""


@dataclass(frozen=True, slots=True)
class ImpliedTenure:
    """Expected further tenure implied by one-year retention, and the retention that six years require.

    Attributes
    ----------
    constant : DataFrame, one row a group and then one for what is needed
        ``group`` (``1``, ``9-10``, ``needed``), ``retention`` r, and in years the mean at a constant rate of
        loss: ``exponential`` (−1/ln r), ``geometric`` (whole future years, r/(1−r)) and
        ``geometric_with_current_year`` (1/(1−r)). In the row ``needed`` these three hold the r at which each
        mean is the published one.
    reconciled : DataFrame, one row an assumption that the article does not state
        ``assumption``, its ``model``, the common ``parameter`` and its ``value`` at which the best band's mean is as
        published, and the means in years of both bands, ``worst_years`` and ``best_years``. Last, the
        shifted-beta-geometric at a polarisation of 0.15, as a sensitivity analysis.
    contrasts : DataFrame
        ``contrast`` and ``value`` of the two retentions, E-values among them.
    """

    constant: pd.DataFrame
    reconciled: pd.DataFrame
    contrasts: pd.DataFrame


def implied_tenure() -> ImpliedTenure:
    """Compute what the published retention of Kriss (2014) implies.

    Raises
    ------
    InputError
        If the published figures are not there.
    """
    published = kriss()
    return ImpliedTenure(_constant(published), _reconciled(published), _contrasts(published))


def paradox(implied: ImpliedTenure) -> pd.DataFrame:
    """Expected years under each duration convention and family, and the retention that six years require.

    Returns
    -------
    DataFrame
        ``assumption``, the ``parameter`` that both bands have in common and its ``value`` (empty and NaN at a constant
        rate), ``years_of_worst``, ``years_of_best`` and ``retention_needed_for_six_years``.
    """
    constant = implied.constant.set_index("group")
    worst, best, needed = constant.index
    rows = [
        {
            "assumption": name,
            "parameter": "",
            "value": np.nan,
            "years_of_worst": constant.loc[worst, name],
            "years_of_best": constant.loc[best, name],
            "retention_needed_for_six_years": constant.loc[needed, name],
        }
        for name in CONSTANT
    ]
    rows += [
        {
            "assumption": row["model"],
            "parameter": row["parameter"],
            "value": row["value"],
            "years_of_worst": row["worst_years"],
            "years_of_best": row["best_years"],
            "retention_needed_for_six_years": np.nan,
        }
        for row in implied.reconciled.to_dict("records")
    ]
    return pd.DataFrame(rows)


def weibull_mean(retention: float, shape: float) -> float:
    """Mean of the Weibull with S(1) = retention: Γ(1 + 1/c)·(−ln r)^(−1/c), in years."""
    return float(gamma(1 + 1 / shape) * (-np.log(retention)) ** (-1 / shape))


def shifted_beta_geometric_mean(retention: float, polarisation: float, whole_years: bool = False) -> float:
    """Mean of the shifted-beta-geometric with S(1) = retention, in years.

    Parameters
    ----------
    retention : float
        r; the mean churn is μ = 1 − r.
    polarisation : float
        φ = 1/(α + β + 1), with α = μ(1−φ)/φ and β = (1−μ)(1−φ)/φ.
    whole_years : bool
        Count whole future years, Σ_{t≥1} S(t) = β/(α−1), instead of the integral of S(t) = B(α, β+t)/B(α, β)
        over all t > 0, which is ∫ e^(−βx)·(1−e^(−x))^(α−1)/x dx / B(α, β).

    Returns
    -------
    float
        Infinite where α ≤ 1.

    References
    ----------
    Fader & Hardie (2007), doi 10.1002/dir.20074.
    """
    odds = (1 - polarisation) / polarisation
    alpha, beta = (1 - retention) * odds, retention * odds
    if alpha <= 1:
        return np.inf
    if whole_years:
        return beta / (alpha - 1)
    # On the scale of log x the integrand is smooth; below the grid it is x^(α−1), whose integral is known.
    low = -40.0
    log_x = np.linspace(low, np.log(745 / beta), 20_001)
    x = np.exp(log_x)
    inside = simpson(np.exp((alpha - 1) * np.log(-np.expm1(-x)) - beta * x), x=log_x)
    below = np.exp((alpha - 1) * low) / (alpha - 1)
    return float((inside + below) * np.exp(-betaln(alpha, beta)))


def _constant(published: Kriss) -> pd.DataFrame:
    retention = np.array(list(published.retention.values()))
    years = published.best_years
    table = pd.DataFrame({
        "group": list(published.retention),
        "retention": retention,
        "exponential": -1 / np.log(retention),
        "geometric": retention / (1 - retention),
        "geometric_with_current_year": 1 / (1 - retention),
    })  # fmt: skip
    needed = ["needed", np.nan, np.exp(-1 / years), years / (1 + years), 1 - 1 / years]
    return pd.concat([table, pd.DataFrame([needed], columns=table.columns)], ignore_index=True)


def _reconciled(published: Kriss) -> pd.DataFrame:
    worst, best = (published.retention[band] for band in ("1", "9-10"))

    def common(mean: Callable[[float, float], float], low: float, high: float) -> tuple[float, float, float]:
        value = brentq(lambda x: mean(best, x) - published.best_years, low, high, xtol=1e-12)
        return value, mean(worst, value), mean(best, value)

    def whole(retention: float, polarisation: float) -> float:
        return shifted_beta_geometric_mean(retention, polarisation, whole_years=True)

    def at(mean: Callable[[float, float], float]) -> tuple[float, float, float]:
        fixed = SENSITIVE_POLARISATION
        return fixed, mean(worst, fixed), mean(best, fixed)

    # α = 1.1 at most: the mean goes to infinity as α falls to 1, where φ = μ/(1+μ).
    most = (1 - best) / (1 - best + 1.1)
    integral, fixed = shifted_beta_geometric_mean, f"_at_{SENSITIVE_POLARISATION}"
    rows = [
        ("weibull", "", "shape", *common(weibull_mean, 0.5, 1.0)),
        ("shifted_beta_geometric", "", "polarisation", *common(integral, 1e-3, most)),
        ("shifted_beta_geometric_whole_years", "", "polarisation", *common(whole, 1e-3, most)),
        ("shifted_beta_geometric", fixed, "polarisation", *at(integral)),
        ("shifted_beta_geometric_whole_years", fixed, "polarisation", *at(whole)),
    ]
    table = pd.DataFrame(rows, columns=["model", "fixed", "parameter", "value", "worst_years", "best_years"])
    return table.assign(assumption=table["model"] + table["fixed"])


def _contrasts(published: Kriss) -> pd.DataFrame:
    worst, best = (published.retention[band] for band in ("1", "9-10"))
    hazard_ratio = np.log(worst) / np.log(best)
    # Risk ratio nearest to a hazard ratio of a common outcome (VanderWeele & Ding 2017, table 2).
    as_risk = (1 - 0.5 ** np.sqrt(hazard_ratio)) / (1 - 0.5 ** np.sqrt(1 / hazard_ratio))
    values = {
        "risk_difference": best - worst,
        "risk_ratio": best / worst,
        "odds_ratio": best / (1 - best) / (worst / (1 - worst)),
        "hazard_ratio": hazard_ratio,
        "e_value_retained": e_value(best / worst),
        "e_value_lost": e_value((1 - worst) / (1 - best)),
        "e_value_hazard_ratio": e_value(as_risk),
    }
    return pd.DataFrame({"contrast": list(values), "value": list(values.values())})
