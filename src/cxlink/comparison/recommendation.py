"""What to do with the base's model of a new cohort: keep, recalibrate or re-fit it, by a rule that is printed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.estimands.tidy import select

RATIO, SLOPE = (0.95, 1.05), (0.9, 1.1)
MOST_POINTS = 0.03
VALID, RECALIBRATE, REFIT = "valid", "recalibrate", "refit"
Ends = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do with the base's model of one outcome.

    Attributes
    ----------
    base, cohort, estimand : str
        Whose, for whom, of what.
    verdict : str
        `VALID`, `RECALIBRATE` or `REFIT`.
    ratio, slope : tuple of float or None
        Observed over expected, and the calibration slope: estimate, lower and upper limit; None where not estimable.
    off : tuple of str
        Levels whose difference is beyond what is tolerated.
    """

    base: str
    cohort: str
    estimand: str
    verdict: str
    ratio: Ends | None
    slope: Ends | None
    off: tuple[str, ...] = ()


def verdict_of(calibration: pd.DataFrame) -> Recommendation:
    """Judge one outcome of two cohorts.

    Parameters
    ----------
    calibration : DataFrame
        Its rows of ``calibration.csv``.
    """
    first = calibration.iloc[0]
    estimand = str(first["estimand"])
    ratio, slope = (_ends(calibration, name) for name in ("observed_over_expected", "slope"))
    level_fine = ratio is None or _fine(ratio, RATIO)
    slope_fine = slope is None or _fine(slope, SLOPE)
    off = _off(calibration, "difference" if level_fine else "difference_mended", estimand)
    recommended = REFIT if not slope_fine or off else VALID if level_fine else RECALIBRATE
    names = (str(first["base"]), str(first["cohort"]), estimand)
    return Recommendation(*names, recommended, ratio, slope, tuple(off))


def _ends(calibration: pd.DataFrame, quantity: str) -> Ends | None:
    rows = select(calibration, quantity=quantity, group="all").dropna(subset="estimate")
    if not len(rows):
        return None
    estimate, low, high = rows.iloc[0][["estimate", "conf_low", "conf_high"]]
    return float(estimate), float(low), float(high)


def _fine(ends: Ends, tolerated: tuple[float, float]) -> bool:
    estimate, low, high = ends
    return tolerated[0] <= estimate <= tolerated[1] or low <= 1 <= high


def _off(calibration: pd.DataFrame, quantity: str, estimand: str) -> list[str]:
    """Single levels whose interval lies wholly beyond what is tolerated on either side."""
    rows = select(calibration, quantity=quantity)
    rows = rows[rows["group"].str.fullmatch(r"-?\d+")]
    most = np.full(len(rows), MOST_POINTS)
    if estimand == "spend":
        predicted = select(calibration, quantity="predicted").set_index("group")["estimate"]
        most = MOST_POINTS * predicted.reindex(rows["group"]).abs().to_numpy()
    beyond = (rows["conf_low"].to_numpy() > most) | (rows["conf_high"].to_numpy() < -most)
    return list(rows["group"][beyond])
