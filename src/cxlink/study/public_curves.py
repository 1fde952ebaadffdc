"""Out-of-time validation on public curves: families fitted to the first years of two published segments.

Fader & Hardie (2007, doi 10.1002/dir.20074, table 1) print twelve years of two segments of a subscription company's
customers. Every family is fitted to years 1–4 and to years 1–7 of each and projected to year 12, as in any analysis.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.estimands.tidy import intervals
from cxlink.groups.curves import Standard
from cxlink.study.published import read
from cxlink.survival.families.averaging import aic_weights, equal_weights, project_all
from cxlink.survival.families.fit import fit_all
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projection_plan import Target
from cxlink.survival.survival import Survival

WINDOWS = (4, 7)
JUDGED_FROM = 5
CONSTANT = "constant_year_1"
AIC, EQUAL = "averaged_aic", "averaged_equal"
_SBG = "shifted_beta_geometric"
_CUSTOMERS = 1000
"""In each segment, as in the paper's own fits."""
_DRAWS = 2000
_LEVEL = 0.95


def public_curves(seed: int) -> pd.DataFrame:
    """Fit and project every family, and compare with the published years.

    Parameters
    ----------
    seed : int
        Of the draws.

    Returns
    -------
    DataFrame, one row a segment, window, model and year
        ``segment, fitted_to`` (the last year of the window), ``model`` (a family, ``averaged_aic``,
        ``averaged_equal``, or ``constant_year_1``: the first year's retention for ever), ``year, estimate, conf_low,
        conf_high`` (95 %; none for the constant), ``actual``, and of a family ``n_parameters, aic, weight`` (its
        share in the average by AIC). A family that the window's losses cannot carry has no rows.

    Raises
    ------
    InputError
        If the published figures are not there.
    """
    published = read("fader_hardie_2007")
    frames = []
    for segment, rows in published.groupby("segment", sort=False):
        actual = rows.sort_values("year")["surviving"].to_numpy(float)
        for window in WINDOWS:
            projections = pd.concat(
                _projected(actual, window, np.random.default_rng(seed)), ignore_index=True
            )
            frames.append(projections.assign(segment=segment, fitted_to=window))
    table = pd.concat(frames, ignore_index=True)
    return table[["segment", "fitted_to", *(name for name in table if name not in ("segment", "fitted_to"))]]


def first_years(actual: np.ndarray, window: int) -> PersonPeriods:
    """Count a segment's customers at risk and lost in its first years.

    Parameters
    ----------
    actual : ndarray of shape (n_years + 1,)
        Share surviving, from year 0 on.
    window : int
        Years to keep.
    """
    surviving = np.round(_CUSTOMERS * actual[: window + 1]).astype(np.int64)[None]
    one = np.zeros(1, int)
    nothing = pd.DataFrame(index=range(1))
    return PersonPeriods((0,), nothing, one, one, surviving[:, :-1], -np.diff(surviving))


def interval_coverage(table: pd.DataFrame) -> pd.DataFrame:
    """Say how each window's projections did.

    Parameters
    ----------
    table : DataFrame
        As `public_curves` gives it.

    Returns
    -------
    DataFrame, one row a segment and window
        ``segment, fitted_to, customers, n_families, judged_from`` (the first year that counts), ``years_judged,
        years_held`` (of them, by the interval of the average by AIC), ``years_narrower`` (of them, in which it is
        narrower than that of equal weights),
        ``width_aic, width_equal`` (mean widths over them), and at the last year ``year, actual, constant``, and of
        ``sbg, aic, equal`` the estimate and its ends ``_low, _high``.
    """
    blocks = table.groupby(["segment", "fitted_to"], sort=False)
    return pd.DataFrame([_verdict(rows) for _, rows in blocks])


def _projected(actual: np.ndarray, window: int, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
    """Give the rows of every model of one segment and window."""
    periods = first_years(actual, window)
    fits = [fit for fit in fit_all(periods) if isinstance(fit, Fit)]
    years = np.arange(1, len(actual))
    one = np.zeros(1, int)
    everybody = Standard("all", one, one, np.ones(1), _CUSTOMERS, int(periods.lost.sum()))
    labels = {"adjusted": "no", "stratum": "", "scenario": ""}
    target = Target(one, one, (everybody,), tuple(int(year) for year in years), np.array([window]), labels)
    weights = {AIC: aic_weights(fits), EQUAL: equal_weights(fits)}
    own = {
        fit.family.name: {"n_parameters": len(fit.estimate), "aic": fit.aic, "weight": share}
        for fit, share in zip(fits, weights[AIC], strict=True)
    }
    for tenure in project_all(fits, target, weights, _DRAWS, rng):
        yield _rows(tenure, years, actual[1:], own.get(tenure.model, {}))
    yield pd.DataFrame({
        "model": CONSTANT, "year": years, "estimate": actual[1] ** years, "conf_low": np.nan, "conf_high": np.nan,
        "actual": actual[1:],
    })  # fmt: skip


def _rows(tenure: Survival, years: np.ndarray, actual: np.ndarray, own: dict[str, float]) -> pd.DataFrame:
    _, low, high = intervals(tenure.draws[:, 0], _LEVEL)
    return pd.DataFrame({
        "model": tenure.model, "year": years, "estimate": tenure.point[0], "conf_low": low,
        "conf_high": high, "actual": actual, **own,
    })  # fmt: skip


def _verdict(rows: pd.DataFrame) -> dict[str, object]:
    late = rows[rows["year"] >= JUDGED_FROM].set_index("model")
    aic, equal = late.loc[AIC], late.loc[EQUAL]
    widths = [(part["conf_high"] - part["conf_low"]).to_numpy(float) for part in (aic, equal)]
    final = rows[rows["year"] == rows["year"].max()]
    last = final.set_index("model").to_dict("index")
    ends = {
        f"{name}{end}": last[model][column]
        for name, model in (("sbg", _SBG), ("aic", AIC), ("equal", EQUAL))
        for end, column in (("", "estimate"), ("_low", "conf_low"), ("_high", "conf_high"))
    }
    first = final.iloc[0]
    return {
        "segment": first["segment"], "fitted_to": first["fitted_to"],
        "customers": _CUSTOMERS, "n_families": int(final["aic"].notna().sum()),
        "judged_from": JUDGED_FROM, "years_judged": len(aic),
        "years_held": int(aic["actual"].between(aic["conf_low"], aic["conf_high"]).sum()),
        "years_narrower": int((widths[0] < widths[1]).sum()),
        "width_aic": widths[0].mean(), "width_equal": widths[1].mean(), "year": first["year"],
        "actual": first["actual"], "constant": last[CONSTANT]["estimate"], **ends,
    }  # fmt: skip
