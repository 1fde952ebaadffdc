"""What to do with the base's model of a new cohort: keep, recalibrate or re-fit it, by a rule that is printed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxlink.estimands.tidy import select

RATIO, SLOPE = (0.95, 1.05), (0.9, 1.1)
MOST_POINTS = 0.03
VALID, RECALIBRATE, REFIT, UNKNOWN = "valid", "recalibrate", "refit", "unknown"
Ends = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do with the base's model of one outcome.

    Attributes
    ----------
    base, cohort, estimand : str
        Whose, for whom, of what.
    verdict : str
        `VALID`, `RECALIBRATE`, `REFIT`, or `UNKNOWN` where too few buckets of clusters stand behind an interval.
    ratio, slope : tuple of float or None
        Observed over expected, and the calibration slope: estimate, lower and upper limit; None where not estimable.
    off : tuple of str
        Levels whose difference is beyond what is tolerated.
    simultaneous_ratio, simultaneous_slope : tuple of float or None
        The same with the simultaneous limits that the verdict stands on.
    """

    base: str
    cohort: str
    estimand: str
    verdict: str
    ratio: Ends | None
    slope: Ends | None
    off: tuple[str, ...] = ()
    simultaneous_ratio: Ends | None = None
    simultaneous_slope: Ends | None = None


def verdict_of(calibration: pd.DataFrame, level: float = 0.95) -> Recommendation:
    """Judge one outcome of two cohorts.

    Ratio, slope and single scores are three questions, any of which may raise a false alarm. Their limits are
    simultaneous: the questions that are estimable share 1 − level equally, and the scores share theirs (Bonferroni). A
    limit is moved away from the estimate in proportion to normal quantiles, on the log scale where it is above 0.

    Parameters
    ----------
    calibration : DataFrame
        Its rows of ``calibration.csv``.
    level : float
        Of its intervals, and of the verdict: the probability of no alarm where nothing has changed.
    """
    first = calibration.iloc[0]
    estimand = str(first["estimand"])
    if _without_intervals(calibration):
        return Recommendation(str(first["base"]), str(first["cohort"]), estimand, UNKNOWN, None, None)
    ratio, slope = (_ends(calibration, name) for name in ("observed_over_expected", "slope"))
    scores = _single_scores(calibration, "difference")
    questions = sum([ratio is not None, slope is not None, len(scores) > 0])
    wider = _wider(level, questions)
    together = [None if one is None else _on_log_scale(one, wider) for one in (ratio, slope)]
    level_fine, slope_fine = (
        one is None or _fine(one, limits) for one, limits in zip(together, (RATIO, SLOPE), strict=True)
    )
    quantity = "difference" if level_fine else "difference_mended"
    off = _off(calibration, quantity, estimand, _wider(level, questions * len(scores)))
    recommended = REFIT if not slope_fine or off else VALID if level_fine else RECALIBRATE
    names = (str(first["base"]), str(first["cohort"]), estimand)
    return Recommendation(*names, recommended, ratio, slope, tuple(off), *together)


def _ends(calibration: pd.DataFrame, quantity: str) -> Ends | None:
    rows = select(calibration, quantity=quantity, group="all").dropna(subset="estimate")
    if not len(rows):
        return None
    estimate, low, high = rows.iloc[0][["estimate", "conf_low", "conf_high"]]
    return float(estimate), float(low), float(high)


def _without_intervals(calibration: pd.DataFrame) -> bool:
    """Whether what was observed of all customers has no interval."""
    rows = select(calibration, quantity="difference", group="all")
    return bool(rows["conf_low"].isna().all() and rows["estimate"].notna().any())


def _wider(level: float, n: int) -> float:
    """By how much intervals are widened, for n of them together to have the level of one."""
    alpha = 1 - level
    return float(ndtri(1 - alpha / max(n, 1) / 2) / ndtri(1 - alpha / 2))


def _on_log_scale(ends: Ends, wider: float) -> Ends:
    """Widen an interval on either side: of logarithms, where it has them."""
    estimate, low, high = ends
    if low <= 0:
        return estimate, estimate - wider * (estimate - low), estimate + wider * (high - estimate)
    return estimate, estimate * (low / estimate) ** wider, estimate * (high / estimate) ** wider


def _fine(ends: Ends, tolerated: tuple[float, float]) -> bool:
    estimate, low, high = ends
    return tolerated[0] <= estimate <= tolerated[1] or low <= 1 <= high


def _single_scores(calibration: pd.DataFrame, quantity: str) -> pd.DataFrame:
    rows = select(calibration, quantity=quantity)
    return rows[rows["group"].str.fullmatch(r"-?\d+")]


def _off(calibration: pd.DataFrame, quantity: str, estimand: str, wider: float) -> list[str]:
    """Single levels whose interval lies wholly beyond what is tolerated on either side."""
    rows = _single_scores(calibration, quantity)
    most = np.full(len(rows), MOST_POINTS)
    if estimand == "spend":
        predicted = select(calibration, quantity="predicted").set_index("group")["estimate"]
        most = MOST_POINTS * predicted.reindex(rows["group"]).abs().to_numpy()
    estimate, low, high = (rows[name].to_numpy() for name in ("estimate", "conf_low", "conf_high"))
    beyond = (estimate - wider * (estimate - low) > most) | (estimate + wider * (high - estimate) < -most)
    return list(rows["group"][beyond])
