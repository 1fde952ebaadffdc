"""The study's third chart: from the share retained after a year to years, under every family.

One year of retention identifies one parameter of a family. The other is fixed by a quantity that the article does not
give, the relative decrease of the loss rate from the first to the second year,

    φ = 1 − (1 − S(2)/S(1)) / (1 − S(1)).

Under the shifted-beta-geometric φ is the polarisation 1/(α + β + 1), a measure of heterogeneity. Under any other family
it means the same S(1) and S(2), so that curves with one φ agree at years 1 and 2 and differ later.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.integrate import simpson
from scipy.optimize import brentq

from cxlink.study.published import kriss
from cxlink.study.two_years import ASSUMPTIONS, Array, Assumption
from cxlink.survival.families.family import Family

HETEROGENEITY = np.arange(41) / 200
_WIDEST = 0.6
# Ends of the integral, in years. Discrete families' differences of log Γ lose their digits beyond the first.
_FIRST, _LAST_DISCRETE, _LAST = 1e-12, 1e8, 1e40
_POINTS = 4801


@dataclass(frozen=True, slots=True)
class ThirdChart:
    """Expected further years implied by one-year retention and an assumption on later hazards.

    Attributes
    ----------
    years : DataFrame, one row an assumption, a band and a φ
        ``model, fixed, fixed_at`` (name and value of a third parameter; empty and 0 where there is none), ``group``
        (``worst``, ``best``), ``retention`` (after a year), ``heterogeneity`` φ,
        ``second_year`` (S(2)/S(1)), ``parameter`` and ``value`` (the family's second one), ``years``: ∫S(t)dt over all
        t > 0, ``inf`` where it diverges, NaN where no curve of the family has these two years.
    six_years : DataFrame, one row an assumption
        ``model, fixed, fixed_at, heterogeneity, second_year_of_best, years_of_best, years_of_worst``: the φ at which
        the best band's expected years are as published, and those of the worst at the same φ; NaN where there is none.
    """

    years: pd.DataFrame
    six_years: pd.DataFrame


def third_chart() -> ThirdChart:
    """Compute the expected years of the published retention of Kriss (2014) under each assumption.

    Raises
    ------
    InputError
        If the published figures are not there.
    """
    published = kriss()
    bands = dict(zip(("worst", "best"), published.retention.values(), strict=True))
    years = pd.concat([_rows(each, bands) for each in ASSUMPTIONS], ignore_index=True)
    six = [_needed(each, bands, published.best_years) for each in ASSUMPTIONS]
    return ThirdChart(years, pd.DataFrame(six))


def second_year(retention: float, heterogeneity: Array) -> Array:
    """Give S(2)/S(1) = r + φ·(1 − r): the second year's loss is 1 − φ times the first's."""
    return retention + heterogeneity * (1 - retention)


def mean_years(family: Family, *values: Array) -> Array:
    """Integrate S(t) over all t > 0, the discrete families' formula between whole years included.

    Simpson's rule in log t far beyond any customer's life, then a power-law tail over the last tenfold of time.

    Parameters
    ----------
    family : Family
        The curve, time in years.
    *values : ndarray of shape (n,)
        Its parameters.

    Returns
    -------
    ndarray of shape (n,)
        Infinite where S still falls no faster than 1/t; NaN where a parameter is.
    """
    columns = [np.asarray(value, dtype=float)[:, None] for value in values]
    last = _LAST_DISCRETE if family.whole_periods else _LAST
    log_time = np.linspace(np.log(_FIRST), np.log(last), _POINTS)
    decade = round(np.log(10) / (log_time[1] - log_time[0]))
    with np.errstate(all="ignore"):
        log_survival = np.asarray(family.log_survival(np.exp(log_time), *columns))
        body = simpson(np.exp(log_survival + log_time), x=log_time, axis=-1)
        fallen = log_survival[:, -1 - decade] - log_survival[:, -1]
        power = fallen / (log_time[-1] - log_time[-1 - decade])
        end = np.exp(log_survival[:, -1] + log_time[-1])
        rest = np.where(power > 1, end / (power - 1), np.inf)
    total: Array = body + np.where(end > 0, rest, 0.0)
    return total


def _rows(assumption: Assumption, bands: dict[str, float]) -> pd.DataFrame:
    frames = []
    for group, retention in bands.items():
        r, r2 = _two_years(retention, HETEROGENEITY)
        with np.errstate(divide="ignore", invalid="ignore"):
            values = assumption.solve(r, r2)
        frames.append(pd.DataFrame({
            "model": assumption.family.name, "fixed": assumption.fixed, "fixed_at": assumption.fixed_at,
            "group": group, "retention": r,
            "heterogeneity": HETEROGENEITY, "second_year": r2, "parameter": assumption.second,
            "value": values[1] if assumption.second else np.nan, "years": mean_years(assumption.family, *values),
        }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def _years(assumption: Assumption, retention: float, heterogeneity: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        values = assumption.solve(*_two_years(retention, heterogeneity))
    return mean_years(assumption.family, *values)


def _two_years(retention: float, heterogeneity: Array) -> tuple[Array, Array]:
    return np.full_like(heterogeneity, retention), second_year(retention, heterogeneity)


def _needed(assumption: Assumption, bands: dict[str, float], wanted: float) -> dict[str, object]:
    """Find the φ at which the best band's expected years equal a value; years increase with φ."""
    best = bands["best"]

    def short(heterogeneity: float) -> float:
        # by reciprocals, which an infinite mean does not break
        return float(1 / _years(assumption, best, np.array([heterogeneity]))[0] - 1 / wanted)

    grid = np.linspace(-_WIDEST, _WIDEST, 61)
    gap = 1 / _years(assumption, best, grid) - 1 / wanted
    at = np.flatnonzero((gap[:-1] > 0) & (gap[1:] <= 0))
    root = brentq(short, grid[at[0]], grid[at[0] + 1], xtol=1e-12) if at.size else np.nan
    years = {group: float(_years(assumption, r, np.array([root]))[0]) for group, r in bands.items()}
    # A family that jumps from a finite mean to none passes by the wanted one.
    met = abs(years["best"] - wanted) < 1e-6 * wanted
    return {
        "model": assumption.family.name, "fixed": assumption.fixed, "fixed_at": assumption.fixed_at,
        "heterogeneity": root if met else np.nan,
        "second_year_of_best": float(second_year(best, np.asarray(root))) if met else np.nan,
        "years_of_best": years["best"] if met else np.nan, "years_of_worst": years["worst"] if met else np.nan,
    }  # fmt: skip
