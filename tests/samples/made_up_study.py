"""What the reproduction of the published study hands to the report, made up."""

import made_up
import numpy as np
import pandas as pd

from cxlink.results import Reproduced


def study() -> Reproduced:
    """What the reproduction hands over."""
    names = (
        "figure", "group", "horizon", "unit", "published", "published_status", "published_wording", "truth", "naive",
        "naive_low", "naive_high", "adjusted", "adjusted_low", "adjusted_high",
    )  # fmt: skip
    kept, spent, stayed, member = (
        "one_year_retention", "relative_annual_revenue", "restricted_mean_tenure", "expected_further_membership",
    )  # fmt: skip
    none, never, year = np.nan, "not published", "another six years"
    rows = [
        (kept, "worst", 12, "probability", 0.43, "printed", "43 %", 0.43, 0.39, 0.37, 0.41, 0.432, 0.41, 0.455),
        (kept, "best", 12, "probability", 0.74, "printed", "", 0.74, 0.77, 0.76, 0.78, 0.738, 0.725, 0.75),
        (spent, "4-6", none, "ratio", 1.3, "transcribed", "", 1.3, 1.35, 1.2, 1.5, 1.32, 1.2, 1.4),
        (spent, "10", none, "ratio", 2.4, "follows from “140 % more”", "", 2.4, 2.9, 2.7, 3.1, 2.42, 2.3, 2.5),
        (stayed, "worst", 12, "month", none, never, "", 7.4, 6.7, 6.5, 6.9, 7.5, 7.3, 7.7),
        (stayed, "worst", 36, "month", none, never, "", 14.3, 12.7, 12.2, 13.2, 15.2, 14.7, 15.8),
        (stayed, "best", 36, "month", none, never, "", 25, 26, 25.5, 26.5, 25, 24.5, 25.5),
        (member, "worst", none, "year", none, "printed", "a little over a year", 1.4, 1.2, 1.1, 1.3, 1.4, 1.3, 1.6),
        (member, "best", none, "year", 6.0, "printed", year, 5.1, 5.9, 4.0, 8.0, np.inf, np.inf, np.inf),
    ]  # fmt: skip
    paradox = pd.DataFrame({
        "assumption": ["exponential", "weibull"], "parameter": ["", "shape"], "value": [np.nan, 0.745],
        "years_of_worst": [1.185, 1.504], "years_of_best": [3.321, 6.0],
        "retention_needed_for_six_years": [0.846, np.nan],
    })  # fmt: skip
    subscription = {"cohort": {"name": "subscription", "simulated": True}}
    transaction = {"cohort": {"name": "transaction", "simulated": True}, "subscription": None}
    return Reproduced(
        subscription=made_up.results(subscription),
        transaction=made_up.results(transaction, at_risk=made_up.at_risk().iloc[:0]),
        seed=20140801,
        comparison=pd.DataFrame(rows, columns=list(names)),
        paradox=paradox,
        replications=replications(),
        third_chart=third_chart(),
        six_years=six_years(),
        public_curves=public_curves(),
        public_verdicts=public_verdicts(),
        drivers=drivers(),
        changes=changes(),
    )


def third_chart() -> pd.DataFrame:
    """Four assumptions in both bands, at three values of φ."""
    years = {
        ("exponential", "", 0.0, "worst"): (1.2, np.nan, np.nan),
        ("exponential", "", 0.0, "best"): (3.3, np.nan, np.nan),
        ("shifted_beta_geometric", "", 0.0, "worst"): (1.2, 1.4, 1.8),
        ("shifted_beta_geometric", "", 0.0, "best"): (3.3, 5.4, 74.5),
        ("generalised_gamma", "q", -0.5, "worst"): (1.5, 1.8, 2.3),
        ("generalised_gamma", "q", -0.5, "best"): (12.3, 22.0, 257.0),
        ("gompertz", "", 0.0, "worst"): (1.2, np.inf, np.inf), ("gompertz", "", 0.0, "best"): (3.3, np.inf, np.inf),
    }  # fmt: skip
    rows = [
        (model, fixed, at, group, {"worst": 0.43, "best": 0.74}[group], phi, value)
        for (model, fixed, at, group), values in years.items()
        for phi, value in zip((0.0, 0.1, 0.2), values, strict=True)
    ]
    names = ("model", "fixed", "fixed_at", "group", "retention", "heterogeneity", "years")
    return pd.DataFrame(rows, columns=list(names))


def six_years() -> pd.DataFrame:
    """What six years need under each of them."""
    rows = [
        ("exponential", "", 0.0, *(np.nan,) * 4), ("shifted_beta_geometric", "", 0.0, 0.112, 0.769, 6.0, 1.39),
        ("generalised_gamma", "q", -0.5, -0.204, 0.687, 6.0, 1.23), ("gompertz", "", 0.0, *(np.nan,) * 4),
    ]  # fmt: skip
    names = (
        "model",
        "fixed",
        "fixed_at",
        "heterogeneity",
        "second_year_of_best",
        "years_of_best",
        "years_of_worst",
    )
    return pd.DataFrame(rows, columns=list(names))


def public_curves() -> pd.DataFrame:
    """Two segments and two windows of six years, by two families, their averages and a constant."""
    frames = []
    years = np.arange(1, 7)
    for segment, slow in (("Regular", 0.5), ("High End", 0.2)):
        actual = (1 + years) ** -slow
        for window in (2, 4):
            for model, off, wide, aic in (
                ("weibull", 0.9, 0.05, 100.0), ("shifted_beta_geometric", 0.98, 0.04, 99.0),
                ("averaged_aic", 0.97, 0.06, np.nan), ("averaged_equal", 0.94, 0.09, np.nan),
                ("constant_year_1", 0.5, np.nan, np.nan),
            ):  # fmt: skip
                estimate = actual * off ** (years / 6)
                frames.append(pd.DataFrame({
                    "segment": segment, "fitted_to": window, "model": model, "year": years, "estimate": estimate,
                    "conf_low": estimate - wide, "conf_high": estimate + wide, "actual": actual, "aic": aic,
                }))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def public_verdicts() -> pd.DataFrame:
    """How they did, the second segment's shorter window badly."""
    rows = [
        ("Regular", 2, 4, 4, 0.10, 0.20, 0.378, 0.1, 0.35), ("Regular", 4, 4, 4, 0.06, 0.08, 0.378, 0.1, 0.37),
        ("High End", 2, 3, 2, 0.21, 0.20, 0.678, 0.3, 0.55), ("High End", 4, 4, 4, 0.08, 0.1, 0.678, 0.3, 0.65),
    ]  # fmt: skip
    names = (
        "segment", "fitted_to", "years_held", "years_narrower", "width_aic", "width_equal", "actual", "constant", "sbg",
    )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(names))
    for name in ("sbg", "aic", "equal"):
        table[name] = table["sbg"]
        table[f"{name}_low"], table[f"{name}_high"] = table["sbg"] - 0.05, table["sbg"] + 0.05
    return table.assign(year=6, judged_from=3, years_judged=4, customers=1000, n_families=2)


def replications() -> pd.DataFrame:
    """Both designs over 500 cohorts."""
    names = (
        "figure", "group", "horizon", "unit", "cohorts", "customers", "truth", "naive_bias", "naive_coverage",
        "adjusted_bias", "adjusted_coverage",
    )  # fmt: skip
    rows = [
        ("one_year_retention", "worst", None, "probability", 500, 30_100, 0.43, -0.071, 0.0, 0.0004, 0.946),
        ("one_year_retention", "best", None, "probability", 500, 30_100, 0.74, 0.027, 0.002, -0.0001, 0.956),
        ("relative_annual_revenue", "10", None, "ratio", 500, 31_000, 2.4, 1.24, 0.0, 0.011, 0.938),
        ("restricted_mean_tenure", "worst", 60, "month", 100, 30_100, 16.4, 0.31, 0.62, 0.12, 0.93),
        ("restricted_mean_tenure", "best", 60, "month", 100, 30_100, 33.2, 0.81, 0.4, 0.25, 0.99),
    ]
    return pd.DataFrame(rows, columns=list(names))


def drivers() -> pd.DataFrame:
    """Three scores, of which the first acts and the last is not told from it."""
    intervals = {
        "score": ((3.6, 3.4, 3.9), (3.7, 3.2, 4.3), (24.2, 20.9, 27.5), (6.4, 4.6, 8.1)),
        "calm": ((5.9, 5.4, 6.5), (-0.3, -1.2, 0.5), (15.8, 13.1, 18.5), (-0.1, -0.3, 0.2)),
        "ease": ((0.4, -0.2, 1.0), (0.9, 0.4, 1.4), (11.9, 9.5, 14.3), (-0.3, -0.5, 0.1)),
    }
    names = [
        f"{name}{end}"
        for name in ("alone", "beside_others", "gain_alone", "gain_beyond")
        for end in ("", "_low", "_high")
    ]
    rows = []
    for score, (alone, beside, *gains) in intervals.items():
        values = [value / 100 for value in (*alone, *beside)] + [value for gain in gains for value in gain]
        row = {
            "score": score,
            "horizon": 12,
            "base": 900,
            "customers": 400,
            "truth": 0.036 * (score == "score"),
        }
        rows.append(row | dict(zip(names, values, strict=True)))
    return pd.DataFrame(rows)


def changes() -> pd.DataFrame:
    """Both contrasts of a fall and of a rise; the last interval lacks the truth."""
    rows = [
        ("fell", "last", 12, 900, 800, 1900, 470, 0.680, 0.755, -0.087, -0.076, -0.092, -0.060),
        ("fell", "present", 12, 900, 800, 1900, 470, 0.680, 0.632, 0.043, 0.048, 0.028, 0.068),
        ("rose", "last", 12, 900, 800, 1900, 450, 0.734, 0.634, 0.093, 0.099, 0.077, 0.121),
        ("rose", "present", 12, 900, 800, 1900, 450, 0.734, 0.758, -0.050, -0.024, -0.042, -0.006),
    ]
    names = (
        "change", "given", "horizon", "base", "customers", "answers", "surveys", "changed", "stayed", "truth",
        "difference", "conf_low", "conf_high",
    )  # fmt: skip
    return pd.DataFrame(rows, columns=list(names))
